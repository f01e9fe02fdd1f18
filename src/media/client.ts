/** The door to media for the engine and the calls. */
import { type Clock, systemClock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { type MediaPool, type MediaServiceInit, MediaWorkers } from './media-workers.js'
import { type StartThread, startThread } from './rpc-worker.js'

export type {
  MediaPlayback,
  MediaRecording,
  MediaService,
  MediaSession,
  MediaSessionEvents,
  MediaSessionInit,
  PacketListener,
  ToPlay,
} from './media-session.js'
export type { MediaPool, MediaServiceInit } from './media-workers.js'

export interface StartMediaDeps {
  log: Logger
  clock?: Clock
  /** Starts a thread; tests pass their own function. */
  startThread?: StartThread
}

export function startMediaService(deps: StartMediaDeps, init: MediaServiceInit = {}): MediaPool {
  return new MediaWorkers({ clock: systemClock, startThread, ...deps }, init)
}
