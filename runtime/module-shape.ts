// Whether what a module's files export is what they have to: looked at once, when they are loaded, so that a
// mistake is a sentence at the start and not a fault under load.

import type { Module } from '../engine/index.ts'
import type { ModuleSurface } from '../protocol/index.ts'

/** A code as clients get it. */
const CODE = /^[a-z][a-z0-9_]{0,95}$/

const HANDLERS = ['commands', 'queries', 'timers'] as const

/** What is wrong with a module's rules, or undefined. Names and versions are looked at by the engine. */
export function rulesFault(rules: Module): string | undefined {
  if (!Array.isArray(rules.tables)) return 'tables is to be a list'
  for (const kind of HANDLERS) {
    if (!isObject(rules[kind])) return `${kind} is to be an object with a function for each name`
    for (const [name, handler] of Object.entries(rules[kind])) {
      if (typeof handler !== 'function') return `${kind}.${name} is no function`
      const made = handler.constructor.name
      if (made === 'Function') continue
      return `${kind}.${name} is ${made === 'AsyncFunction' ? 'async' : 'a generator'}: a handler decides at once`
    }
  }
  return undefined
}

/** What is wrong with a module's surface beside its rules, or undefined. */
export function surfaceFault(surface: ModuleSurface, rules: Module): string | undefined {
  if (surface.module !== rules.name) {
    return `module is ${surface.module}, and its rules are named ${rules.name}`
  }
  for (const kind of ['commands', 'queries'] as const) {
    if (!isObject(surface[kind])) return `${kind} is to be an object with an input for each name`
    for (const [name, action] of Object.entries(surface[kind])) {
      if (!isObject(action?.input)) return `${kind}.${name} has no input: the schema of an object`
      if (!Object.hasOwn(rules[kind], name)) return `its rules have no ${kind}.${name}`
    }
  }
  for (const list of ['routes', 'lists'] as const) {
    if (!Array.isArray(surface[list])) return `${list} is to be a list`
  }
  return codesFault(surface.codes)
}

function codesFault(codes: ModuleSurface['codes']): string | undefined {
  if (!isObject(codes)) return 'codes is to be an object with a status and a title for each code'
  for (const [code, said] of Object.entries(codes)) {
    if (!CODE.test(code)) {
      return `codes has ${JSON.stringify(code)}: a to z, 0 to 9 and _ make a code`
    }
    if (!isObject(said)) return `codes.${code} is to be an object with a status and a title`
    const { status, title, retryable } = said
    if (!(Number.isInteger(status) && status >= 400 && status <= 599)) {
      return `codes.${code} has the status ${status}: a refusal's is from 400 to 599`
    }
    if (typeof title !== 'string' || title === '') return `codes.${code} has no title`
    if (retryable !== undefined && typeof retryable !== 'boolean') {
      return `codes.${code} has a retryable that is neither true nor false`
    }
  }
  return undefined
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
