import type { RpcClient } from '../base/rpc.js'
import type { MediaCommands, MediaEvents, PortRange } from './protocol.js'

/** Unused leases of one address and port range. */
interface Stock {
  range: PortRange
  ports: number[]
  wanted: number
  asking: boolean
  /** Counts the times that leases ended at once. */
  ends: number
}

/** Fewer than these are filled up at once. */
const MIN_STOCK = 4

/** Ports of one worker's bound pairs, given out ahead: a call gets one without asking the worker. */
export class PortLeases {
  readonly #rpc: RpcClient<MediaCommands, MediaEvents>
  readonly #stocks = new Map<string, Stock>()

  constructor(rpc: RpcClient<MediaCommands, MediaEvents>) {
    this.#rpc = rpc
  }

  /** undefined if there is no lease now: then the worker must be asked. Gets more leases for later calls. */
  take(range: PortRange): number | undefined {
    const stock = this.#stockOf(range)
    const port = stock.ports.pop()
    const { length } = stock.ports
    if (!stock.asking && (length < MIN_STOCK || length < stock.wanted / 2)) void this.#fill(stock)
    return port
  }

  /** The worker wants leases back. */
  recall({ keep, ...range }: PortRange & { keep: number }): void {
    const stock = this.#stockOf(range)
    const ports = stock.ports.splice(keep)
    this.#giveBack(stock, ports)
    if (keep === 0 && !stock.asking) this.#stocks.delete(keyOf(range))
  }

  /** The worker closes these pairs: leases of the range end. */
  forget({ portMin, portMax }: Pick<PortRange, 'portMin' | 'portMax'>): void {
    for (const stock of this.#stocks.values()) {
      stock.ports = stock.ports.filter((port) => port + 1 < portMin || port > portMax)
      stock.ends++
    }
  }

  #stockOf({ address, portMin, portMax }: PortRange): Stock {
    const range = { address, portMin, portMax }
    const key = keyOf(range)
    let stock = this.#stocks.get(key)
    if (!stock) {
      stock = { range, ports: [], wanted: MIN_STOCK, asking: false, ends: 0 }
      this.#stocks.set(key, stock)
    }
    return stock
  }

  #giveBack({ range }: Stock, ports: number[]): void {
    if (ports.length > 0) void this.#rpc.call('returnPorts', { ...range, ports }).catch(() => undefined)
  }

  async #fill(stock: Stock): Promise<void> {
    const { ends } = stock
    stock.asking = true
    try {
      const { ports, wanted } = await this.#rpc.call('leasePorts', { ...stock.range, have: stock.ports.length })
      // Some of these pairs may have been closed since the worker answered.
      if (stock.ends !== ends) this.#giveBack(stock, ports)
      else stock.ports.push(...ports)
      stock.wanted = wanted
    } catch {
      // The worker has died or is closing.
    } finally {
      stock.asking = false
    }
  }
}

const keyOf = ({ address, portMin, portMax }: PortRange): string => `${address} ${portMin} ${portMax}`
