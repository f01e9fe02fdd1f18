import type { RpcClient } from '../base/rpc.js'
import type { MediaCommands, MediaEvents, PortRange } from './protocol.js'

/** Unused leases of one address and port range. */
interface Stock {
  range: PortRange
  ports: number[]
  wanted: number
  /** A request for more leases that the worker has not answered. */
  filling: Promise<void> | undefined
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
    if (length < MIN_STOCK || length < stock.wanted / 2) stock.filling ??= this.#fill(stock)
    return port
  }

  /** The worker wants leases back. */
  recall({ keep, ...range }: PortRange & { keep: number }): void {
    const stock = this.#stockOf(range)
    const ports = stock.ports.splice(keep)
    this.#giveBack(stock, ports)
    if (keep === 0 && !stock.filling) this.#stocks.delete(keyOf(range))
  }

  /** Another worker or range needs ports from `portMin` to `portMax`. */
  async returnAll({ portMin, portMax }: Pick<PortRange, 'portMin' | 'portMax'>): Promise<void> {
    for (const stock of [...this.#stocks.values()]) {
      if (stock.range.portMin > portMax || stock.range.portMax < portMin) continue
      await stock.filling
      this.#giveBack(stock, stock.ports.splice(0))
    }
  }

  #stockOf({ address, portMin, portMax }: PortRange): Stock {
    const range = { address, portMin, portMax }
    const key = keyOf(range)
    let stock = this.#stocks.get(key)
    if (!stock) {
      stock = { range, ports: [], wanted: MIN_STOCK, filling: undefined }
      this.#stocks.set(key, stock)
    }
    return stock
  }

  #giveBack({ range }: Stock, ports: number[]): void {
    if (ports.length > 0) void this.#rpc.call('returnPorts', { ...range, ports }).catch(() => undefined)
  }

  async #fill(stock: Stock): Promise<void> {
    try {
      const { ports, wanted } = await this.#rpc.call('leasePorts', { ...stock.range, have: stock.ports.length })
      stock.ports.push(...ports)
      stock.wanted = wanted
    } catch {
      // The worker has died or is closing.
    } finally {
      stock.filling = undefined
    }
  }
}

const keyOf = ({ address, portMin, portMax }: PortRange): string => `${address} ${portMin} ${portMax}`
