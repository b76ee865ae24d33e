/** What is known of where a program runs. */
export interface Whereabouts {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Whether a browser of the person at this machine can be expected to reach its loopback addresses.
 *
 * An opener over SSH or in a container starts, and opens nothing, so nobody would be told the link.
 */
export function reachesBrowser({ platform, env }: Whereabouts = process): boolean {
  const has = (...names: readonly string[]): boolean => names.some((name) => (env[name] ?? '') !== '');
  // What sets it forwards addresses of this machine: an editor's remote session, a container with a helper.
  if (has('BROWSER', 'WSL_DISTRO_NAME')) return true;
  if (platform === 'darwin' || platform === 'win32') return !has('SSH_CONNECTION', 'SSH_TTY');
  // With a display of its own, or a forwarded one, the browser runs here.
  return has('DISPLAY', 'WAYLAND_DISPLAY');
}
