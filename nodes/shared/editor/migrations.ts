/** The migration steps of every node type, for the editor. A test checks that the list is complete. */
import { migrations as sipAccount } from '../../sip-account/migrations.js'
import { migrations as sipAnswer } from '../../sip-answer/migrations.js'
import { migrations as sipCdrOut } from '../../sip-cdr-out/migrations.js'
import { migrations as sipDial } from '../../sip-dial/migrations.js'
import { migrations as sipDtmf } from '../../sip-dtmf/migrations.js'
import { migrations as sipEvent } from '../../sip-event/migrations.js'
import { migrations as sipGather } from '../../sip-gather/migrations.js'
import { migrations as sipHangup } from '../../sip-hangup/migrations.js'
import { migrations as sipHold } from '../../sip-hold/migrations.js'
import { migrations as sipIncoming } from '../../sip-incoming/migrations.js'
import { migrations as sipMessage } from '../../sip-message/migrations.js'
import { migrations as sipOptions } from '../../sip-options/migrations.js'
import { migrations as sipPlayMedia } from '../../sip-play-media/migrations.js'
import { migrations as sipProxy } from '../../sip-proxy/migrations.js'
import { migrations as sipRecord } from '../../sip-record/migrations.js'
import { migrations as sipRegister } from '../../sip-register/migrations.js'
import { migrations as sipSubscribe } from '../../sip-subscribe/migrations.js'
import { migrations as sipTransfer } from '../../sip-transfer/migrations.js'
import { migrations as sipTransport } from '../../sip-transport/migrations.js'
import { migrations as sipWait } from '../../sip-wait/migrations.js'
import type { Migrations } from '../migrate.js'

export const migrations: Readonly<Record<string, Migrations>> = {
  'sip-account': sipAccount,
  'sip-answer': sipAnswer,
  'sip-cdr-out': sipCdrOut,
  'sip-dial': sipDial,
  'sip-dtmf': sipDtmf,
  'sip-transfer': sipTransfer,
  'sip-event': sipEvent,
  'sip-gather': sipGather,
  'sip-hangup': sipHangup,
  'sip-hold': sipHold,
  'sip-incoming': sipIncoming,
  'sip-message': sipMessage,
  'sip-options': sipOptions,
  'sip-play-media': sipPlayMedia,
  'sip-proxy': sipProxy,
  'sip-record': sipRecord,
  'sip-register': sipRegister,
  'sip-subscribe': sipSubscribe,
  'sip-transport': sipTransport,
  'sip-wait': sipWait,
}
