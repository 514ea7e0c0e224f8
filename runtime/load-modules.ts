// Finding modules by their specifiers, and importing what a thread needs of them. A module is a folder with
// rules.js, routes.js and, if it has views, views.js. Which of them there are is for the configuration.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Module } from '../engine/index.ts'
import type { ModuleSurface, ModuleView } from '../protocol/index.ts'

/** A module that cannot be found, or is not what it should be. */
export class ModuleLoadError extends Error {
  override readonly name = 'ModuleLoadError'
}

/** A name of one of the modules that come with this build. */
const OWN_NAME = /^[a-z0-9_-]{1,32}$/

/**
 * The folders of modules as URLs that end in a slash. A specifier is the name of one that comes with this
 * build (`calls`), a path from the working directory (`./my-module`, `/srv/modules/mine`, a `file:` URL),
 * or a folder of a package that the working directory's project has. A folder that was found before is
 * found again. Throws `ModuleLoadError`.
 */
export function findModules(specifiers: readonly string[]): string[] {
  const folders = specifiers.map(findModule)
  const twice = folders.find((folder, i) => folders.indexOf(folder) < i)
  if (twice === undefined) return folders
  throw new ModuleLoadError(`the module ${specifiers[folders.indexOf(twice)]} is given twice`)
}

function findModule(specifier: string): string {
  if (OWN_NAME.test(specifier)) {
    const own = new URL(`../systems/${specifier}/`, import.meta.url)
    if (hasRules(own)) return own.href
  }
  const folder = folderOf(specifier)
  if (folder !== undefined && hasRules(folder)) return folder.href
  const where = folder === undefined ? '' : ` in ${fileURLToPath(folder)}`
  throw new ModuleLoadError(`there is no module ${specifier}: no rules.js is found${where}`)
}

function folderOf(specifier: string): URL | undefined {
  if (specifier.startsWith('file:')) return withSlash(fileURLToPath(specifier))
  if (specifier.startsWith('.') || specifier.startsWith('/')) return withSlash(resolve(specifier))
  try {
    const project = createRequire(join(process.cwd(), 'package.json'))
    return withSlash(dirname(project.resolve(`${specifier}/rules.js`)))
  } catch {
    return undefined
  }
}

function withSlash(folder: string): URL {
  return pathToFileURL(folder.endsWith('/') ? folder : `${folder}/`)
}

function hasRules(folder: URL): boolean {
  return existsSync(new URL('rules.js', folder))
}

/**
 * The rules of modules in these folders, for an engine. Rejects with `ModuleLoadError`. What they leave undone
 * is nobody's from then on: a promise of theirs that is rejected is told of as a warning of the process.
 */
export async function loadRules(folders: readonly string[]): Promise<Module[]> {
  const rules = await rulesIn(folders)
  for (const folder of folders) hearStrays(folder)
  return rules
}

/**
 * Their faces to gateways, each compared with the rules and the view: all of a module's files are looked at
 * here, so that a start with a wrong one fails. Rejects with `ModuleLoadError`.
 */
export async function loadSurfaces(folders: readonly string[]): Promise<ModuleSurface[]> {
  const rules = await rulesIn(folders)
  const views = await viewsIn(folders, rules)
  const surfaces = await loadAll<ModuleSurface>(folders, 'routes.js', 'surface')
  if (surfaces.length === 0) return []
  const { surfaceFault } = await import('./module-faults.ts')
  surfaces.forEach((surface, n) => {
    const fault = surfaceFault(surface, rules[n] as Module, views[n])
    refuse(folders[n] as string, 'routes.js', fault)
  })
  return surfaces
}

/** What views keep of those that have views, compared with the rules. Rejects with `ModuleLoadError`. */
export async function loadViews(folders: readonly string[]): Promise<ModuleView[]> {
  const views = await viewsIn(folders, await rulesIn(folders))
  return views.filter((view) => view !== undefined)
}

async function rulesIn(folders: readonly string[]): Promise<Module[]> {
  const rules = await loadAll<Module>(folders, 'rules.js', 'rules')
  if (rules.length === 0) return []
  const { repeated, rulesFault } = await import('./module-faults.ts')
  rules.forEach((one, n) => {
    refuse(folders[n] as string, 'rules.js', rulesFault(one))
  })
  const names = rules.map(({ name }) => name)
  const twice = repeated(names)
  if (twice !== undefined) {
    const folder = folders[names.lastIndexOf(twice)] as string
    refuse(folder, 'rules.js', `two modules have one name, ${twice}`)
  }
  return rules
}

/** By folder; undefined where it has none. */
async function viewsIn(
  folders: readonly string[],
  rules: readonly Module[],
): Promise<(ModuleView | undefined)[]> {
  const urls = folders.map((folder) => new URL('views.js', folder))
  const views = await Promise.all(
    urls.map((url) => (existsSync(url) ? load<ModuleView>(url, 'view') : undefined)),
  )
  if (views.length === 0) return []
  const { viewFault } = await import('./module-faults.ts')
  views.forEach((view, n) => {
    if (view === undefined) return
    refuse(folders[n] as string, 'views.js', viewFault(view, rules[n] as Module))
  })
  return views
}

function refuse(folder: string, file: string, fault: string | undefined): void {
  if (fault === undefined) return
  throw new ModuleLoadError(`${fileURLToPath(new URL(file, folder))}: ${fault}`)
}

/** Folders whose rules were loaded in this thread. */
const heard = new Set<string>()

/**
 * A handler is to leave nothing for later. Where it does, the writer's thread never comes to it, and no other
 * engine may end for it.
 */
function hearStrays(folder: string): void {
  if (heard.size === 0) {
    process.on('unhandledRejection', (reason) => {
      const stack = reason instanceof Error ? String(reason.stack) : undefined
      const isOurs = stack !== undefined && ![...heard].some((one) => stack.includes(one))
      // As if nobody listened.
      if (isOurs) throw reason
      process.emitWarning(`a module left a promise, which was rejected: ${stack ?? String(reason)}`)
    })
  }
  heard.add(folder)
}

async function loadAll<T>(folders: readonly string[], file: string, name: string): Promise<T[]> {
  return Promise.all(folders.map((folder) => load<T>(new URL(file, folder), name)))
}

async function load<T>(url: URL, name: string): Promise<T> {
  const path = fileURLToPath(url)
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = (await import(url.href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ModuleLoadError(`${path} cannot be imported: ${reason}`, { cause: error })
  }
  const found = exports[name]
  if (typeof found === 'object' && found !== null) return found as T
  throw new ModuleLoadError(`${path} does not export ${name}`)
}
