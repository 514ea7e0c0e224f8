// Whether the lists in a module's routes.js can be read from the views that its views.js has kept.

import type { ModuleList, ModuleSurface, ModuleView } from '../protocol/index.ts'
import { firstFault, LIST, repeated, shapesFault } from './module-shape.ts'

/** The parameters that every list has. */
const TAKEN = ['cursor', 'limit', 'minSequence']

/** What is wrong with a module's lists beside its view, or undefined; their paths are looked at elsewhere. */
export function listsFault(
  lists: ModuleSurface['lists'],
  view: ModuleView | undefined,
): string | undefined {
  const shape = shapesFault(LIST, lists, 'lists')
  return shape ?? firstFault(lists, (list, n) => listFault(list, `lists[${n}]`, view))
}

function listFault(
  list: ModuleList,
  name: string,
  view: ModuleView | undefined,
): string | undefined {
  const { table, columns, filters, values = {}, times, where } = list
  const kept = view?.tables.find((one) => one.table === table)
  if (kept === undefined)
    return `${name} is of the table ${table}, which its views.js does not have`
  const fields = [
    ...Object.keys(columns),
    ...filters,
    ...Object.keys(values),
    ...(where === undefined ? [] : [where.field]),
  ]
  const unknown = fields.find((field) => !Object.hasOwn(kept.fields, field))
  if (unknown !== undefined) {
    return `${name} names the field ${unknown}, which the view of ${table} does not have`
  }
  const wanted = Object.entries({ ...values, ...(where && { [where.field]: where.values }) })
  const odd = firstFault(wanted, ([field, texts]) => {
    const text = texts.find((one) => !canHave(kept.fields[field] as string, one))
    return text === undefined
      ? undefined
      : `${name} wants ${text} of ${field}, which cannot have it`
  })
  if (odd !== undefined) return odd
  const twice = repeated(Object.values(columns))
  if (twice !== undefined) return `${name} has two columns that are shown as ${twice}`
  return (
    filtersFault(list, name) ??
    firstFault(times, (time) => timeFault(time, columns, kept.fields, `${name}.times has ${time}`))
  )
}

/** Whether a field of this type can have what the text spells. */
function canHave(type: string, text: string): boolean {
  if (type.startsWith('flag')) return text === 'true' || text === 'false'
  return !type.startsWith('integer') || /^-?\d{1,16}$/.test(text)
}

/** Filters are asked for by the names under which their columns are shown. */
function filtersFault(
  { filters, values = {}, columns }: ModuleList,
  name: string,
): string | undefined {
  const stray = Object.keys(values).find((field) => !filters.includes(field))
  if (stray !== undefined) return `${name} has values of ${stray}, which is none of its filters`
  const shown = filters.map((field) => columns[field] ?? field)
  const taken = shown.find((filter) => TAKEN.includes(filter))
  if (taken !== undefined) return `${name} has the filter ${taken}, which every list has as its own`
  const twice = repeated(shown)
  return twice === undefined ? undefined : `${name} has the filter ${twice} twice`
}

/** `time` may be a field, or the name under which it is shown. */
function timeFault(
  time: string,
  columns: ModuleList['columns'],
  fields: Readonly<Record<string, string>>,
  said: string,
): string | undefined {
  const found = Object.entries(columns).filter(([field, shown]) => field === time || shown === time)
  if (found.length === 0) return `${said}, which is none of its columns`
  const isTime = found.every(([field]) => fields[field]?.startsWith('integer') === true)
  return isTime ? undefined : `${said}, which is no integer: a time is in ms since 1970`
}
