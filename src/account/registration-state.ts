/** The state of a registration, as nodes and people see it. */
export type RegistrationState =
  | { state: 'idle' }
  | { state: 'registering' }
  | { state: 'registered'; expiresAt: string; contact: string }
  /** `local`: the registrar sent no answer. 408: no answer in time; 503: the request could not be sent; 0: the socket could not be opened. */
  | {
      state: 'failed'
      status: number
      reason: string
      retryAt: string | null
      local?: true
      /** Another program has the port that the account needs. */
      portInUse?: number
    }
  | { state: 'unregistering' }

export type RegistrationPhase = RegistrationState['state']

/** A refresh stays in `registered`, so that a display does not flicker. */
export const NEXT_PHASES = {
  idle: ['registering'],
  registering: ['registered', 'failed', 'unregistering', 'idle'],
  registered: ['registered', 'registering', 'failed', 'unregistering', 'idle'],
  failed: ['registering', 'registered', 'failed', 'unregistering', 'idle'],
  unregistering: ['idle', 'registering'],
} as const satisfies Record<RegistrationPhase, readonly RegistrationPhase[]>
