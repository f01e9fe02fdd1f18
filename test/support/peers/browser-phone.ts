/** sip.js in Chromium: its WebSocket is the browser's own. It has no media: the test gives it descriptions. */
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Invitation, Session, SessionDescriptionHandler } from 'sip.js'
import type { IncomingResponse } from 'sip.js/lib/core/messages/incoming-response.js'
import { repoPath } from '../repo.js'
import { SDP } from '../sip-messages.js'

const LIBRARY = repoPath('node_modules/sip.js/lib')
const PAGE = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
import * as SIP from '/lib/index.js'
window.SIP = SIP
</script>`

/** Serves the page and the modules of sip.js. */
export class PhonePages {
  readonly #server: Server

  static async start(): Promise<PhonePages> {
    const server = createServer(({ url = '/' }, response) => {
      const file = url.startsWith('/lib/') && !url.includes('..') ? `${LIBRARY}${url.slice('/lib'.length)}` : undefined
      if (file !== undefined && !existsSync(file)) response.writeHead(404).end()
      else if (file === undefined) response.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE)
      else response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(readFileSync(file))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PhonePages(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  /** The page as it is reached by this name of the machine; the name makes its origin. */
  url(host = '127.0.0.1'): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }
}

/** Lets Chromium take certificates with the key of this one only. */
export function trusting(certificateFile: string): string {
  const key = new X509Certificate(readFileSync(certificateFile)).publicKey.export({ type: 'spki', format: 'der' })
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`
}

export interface BrowserPhoneInit {
  /** `wss://host:port/` */
  server: string
  /** Address of record. */
  uri: string
  password?: string
}

/** In the page. */
interface PagePhone {
  contactUser: string
  start(): Promise<void>
  /** Status of the final response. */
  register(): Promise<number>
  /** State of the call when it is answered or over. */
  call(target: string): Promise<string>
  /** The call that is standing, or the next one, is in this state. */
  until(state: string): Promise<void>
  reinvite(): Promise<number>
  bye(): Promise<void>
  stop(): Promise<void>
}

interface PageGlobals {
  SIP: typeof import('sip.js') | undefined
  phone: PagePhone
}

/** The page's hand in the test. It takes every call at once. */
export class BrowserPhone {
  readonly contactUser: string
  readonly #context: BrowserContext
  readonly #page: Page

  /** Connects; rejects if the browser's WebSocket cannot be opened. */
  static async start(browser: Browser, pageUrl: string, init: BrowserPhoneInit): Promise<BrowserPhone> {
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      await page.goto(pageUrl)
      await page.waitForFunction(() => (globalThis as unknown as PageGlobals).SIP !== undefined)
      await page.evaluate(boot, { ...init, sdp: SDP })
      const contactUser = await page.evaluate(async () => {
        const { phone } = globalThis as unknown as PageGlobals
        await phone.start()
        return phone.contactUser
      })
      return new BrowserPhone(context, page, contactUser)
    } catch (error) {
      await context.close()
      throw error
    }
  }

  private constructor(context: BrowserContext, page: Page, contactUser: string) {
    this.#context = context
    this.#page = page
    this.contactUser = contactUser
  }

  register(): Promise<number> {
    return this.#page.evaluate(() => (globalThis as unknown as PageGlobals).phone.register())
  }

  call(target: string): Promise<string> {
    return this.#page.evaluate((to) => (globalThis as unknown as PageGlobals).phone.call(to), target)
  }

  until(state: 'Established' | 'Terminated'): Promise<void> {
    return this.#page.evaluate((name) => (globalThis as unknown as PageGlobals).phone.until(name), state)
  }

  reinvite(): Promise<number> {
    return this.#page.evaluate(() => (globalThis as unknown as PageGlobals).phone.reinvite())
  }

  bye(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as PageGlobals).phone.bye())
  }

  async close(): Promise<void> {
    await this.#page.evaluate(() => (globalThis as unknown as PageGlobals).phone.stop())
    await this.#context.close()
  }
}

/** Runs in the page. */
function boot({ server, uri, password, sdp }: BrowserPhoneInit & { sdp: string }): void {
  const globals = globalThis as unknown as PageGlobals & { SIP: typeof import('sip.js') }
  const { Inviter, Registerer, SessionState, UserAgent } = globals.SIP
  const descriptions: SessionDescriptionHandler = {
    close: () => undefined,
    getDescription: async () => ({ body: sdp, contentType: 'application/sdp' }),
    hasDescription: (contentType) => contentType === 'application/sdp',
    setDescription: async () => undefined,
    rollbackDescription: async () => undefined,
    sendDtmf: () => false,
  }
  const aor = UserAgent.makeURI(uri)
  if (!aor) throw new Error(uri)
  let session: Session | undefined
  let told: (() => void)[] = []
  const follow = (one: Session) => {
    session = one
    one.stateChange.addListener(() => tell())
    tell()
  }
  const tell = () => {
    const waiting = told
    told = []
    for (const look of waiting) look()
  }
  const until = (states: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      const look = () => {
        if (session && states.includes(session.state)) resolve()
        else told.push(look)
      }
      look()
    })
  const answered = (ask: (options: object) => Promise<unknown>): Promise<number> =>
    new Promise((resolve, reject) => {
      const take = (response: IncomingResponse) => resolve(response.message.statusCode ?? 0)
      ask({ requestDelegate: { onAccept: take, onReject: take } }).catch(reject)
    })
  const agent = new UserAgent({
    uri: aor,
    authorizationUsername: aor.user ?? '',
    ...(password === undefined ? {} : { authorizationPassword: password }),
    transportOptions: { server },
    logBuiltinEnabled: false,
    reconnectionAttempts: 0,
    gracefulShutdown: false,
    sessionDescriptionHandlerFactory: () => descriptions,
    delegate: {
      onInvite: (invitation: Invitation) => {
        follow(invitation)
        void invitation.accept()
      },
    },
  })
  let registerer: InstanceType<typeof Registerer> | undefined
  globals.phone = {
    contactUser: agent.contact.uri.user ?? '',
    start: () => agent.start(),
    register: () => {
      const one = new Registerer(agent, { expires: 60 })
      registerer = one
      return answered((options) => one.register(options))
    },
    call: async (target) => {
      const to = UserAgent.makeURI(target)
      if (!to) throw new Error(target)
      const inviter = new Inviter(agent, to)
      follow(inviter)
      await inviter.invite()
      await until([SessionState.Established, SessionState.Terminated])
      return inviter.state
    },
    until: (state) => until([state]),
    reinvite: () => answered((options) => session?.invite(options) ?? Promise.reject(new Error('no call'))),
    bye: async () => {
      await session?.bye()
    },
    stop: async () => {
      await registerer?.dispose()
      await agent.stop()
    },
  }
}
