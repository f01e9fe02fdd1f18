/** Set-up that several files share, to be called within a `describe`. */
import { silentLogger } from '../../src/base/logger.js'
import { type MediaService, startMediaService } from '../../src/media/client.js'

interface Closable {
  close(): unknown
}

/** Opens these before each test, hands them to `use`, and closes them after the test. */
export function openForEachTest<Opened extends readonly [Closable, ...Closable[]]>(
  open: () => Promise<Opened>,
  use: (...opened: Opened) => void,
): void {
  let close = async () => {}
  beforeEach(async () => {
    const opened = await open()
    close = async () => void (await Promise.all(opened.map((one) => one.close())))
    use(...opened)
  })
  afterEach(() => close())
}

/** Real media workers for all tests. */
export function startMediaForAllTests(use: (media: MediaService) => void): void {
  let media: MediaService | undefined
  before(() => {
    media = startMediaService({ log: silentLogger })
    use(media)
  })
  after(() => media?.close())
}
