// The time limits of calls, which an operator may change while the server runs. They are journaled
// state: what is decided later goes by them, what is live keeps the times that it was given. How
// long records are kept holds for all finished calls from then on.

import type { Context, Reply } from '../../engine/index.ts'
import { settingsOf } from './common.ts'
import { SETTINGS_DEFAULT } from './limits.ts'
import { keepFor } from './records.ts'
import type { SettingsInput } from './schemas.ts'
import { SETTINGS } from './tables.ts'

/** `change_settings`: changes what is given and leaves the rest. Refuses nothing. */
export function changeSettings(context: Context, input: SettingsInput): Reply {
  const settings = context.table(SETTINGS)
  if (settings.get('all') === undefined) settings.insert({ id: 'all', ...SETTINGS_DEFAULT })
  const given = Object.entries(input).filter(([, value]) => value !== undefined)
  settings.update('all', Object.fromEntries(given))
  keepFor(context)
  return readSettings(context)
}

/** `settings`: the time limits in force. */
export function readSettings(context: Context): Reply {
  const { ringingSeconds, graceSeconds, campaignSeconds, keepSeconds } = settingsOf(context)
  return { code: 'ok', ringingSeconds, graceSeconds, campaignSeconds, keepSeconds }
}
