// Whether what a module's rules.js exports is what it has to be: looked at once, when it is loaded, so that a
// mistake is a sentence at the start and not a fault under load.

import { checkModule, type Module } from '../engine/index.ts'
import { isObject } from '../surface/index.ts'
import { firstFault, shapesFault, TABLE } from './module-shape.ts'

const HANDLERS = ['commands', 'queries', 'timers'] as const

/** A command's or a query's, as routes are made of them. */
const NAME = /^[a-z0-9_-]{1,32}$/

/** What is wrong with a module's rules, or undefined. */
export function rulesFault(rules: Module): string | undefined {
  if (!Array.isArray(rules.tables)) return 'tables is to be a list'
  return (
    shapesFault(TABLE, rules.tables, 'tables') ??
    firstFault(HANDLERS, (kind) => handlersFault(rules, kind)) ??
    engineFault(rules)
  )
}

function handlersFault(rules: Module, kind: (typeof HANDLERS)[number]): string | undefined {
  if (!isObject(rules[kind])) return `${kind} is to be an object with a function for each name`
  return firstFault(Object.entries<unknown>(rules[kind]), ([name, handler]) => {
    if (kind !== 'timers' && !NAME.test(name)) {
      return `${kind} has ${JSON.stringify(name)}: a name is 1 to 32 of a to z, 0 to 9, _ and -`
    }
    return functionFault(handler, `${kind}.${name}`, 'a handler decides at once')
  })
}

/** What is wrong with `made`, which is to be a plain function: `why` says why no other will do. */
export function functionFault(made: unknown, name: string, why: string): string | undefined {
  if (typeof made !== 'function') return `${name} is no function`
  const type = made.constructor.name
  if (type === 'Function') return undefined
  return `${name} is ${type === 'AsyncFunction' ? 'async' : 'a generator'}: ${why}`
}

/** What an engine would say of it: names, versions, the tables' fields. */
function engineFault(rules: Module): string | undefined {
  try {
    checkModule(rules)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
