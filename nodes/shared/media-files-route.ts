/** `GET /ringflow/media-files`: the WAV files that the dialogs offer, with the folders that hold them. */
import { TelephonyError } from './errors.js'
import type { RED } from './red.js'
import { telephony } from './telephony.js'

export function serveMediaFiles(RED: RED): void {
  RED.httpAdmin.get('/ringflow/media-files', RED.auth.needsPermission('sip.read'), (_request, response) => {
    telephony.engine.mediaFiles().then(
      (files) => response.json(files),
      (error: unknown) => response.status(500).json({ code: TelephonyError.from(error).code }),
    )
  })
}
