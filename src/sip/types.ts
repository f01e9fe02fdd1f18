/**
 * The door of the SIP layer: what it offers to accounts and calls. Everything is the view of one account; sockets, transactions and
 * dialogs are shared underneath.
 */
export * from './types/address.js'
export * from './types/authentication.js'
export * from './types/dialog.js'
export * from './types/endpoint.js'
export * from './types/invite.js'
export * from './types/message.js'
export * from './types/request.js'
export * from './types/subscription.js'
export * from './types/tls.js'
export * from './types/user-agent.js'
