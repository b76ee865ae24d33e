/** What a program needs of a machine to run at all. Whatever else the operator's shell holds stays there. */
const inherited: readonly string[] =
  process.platform === 'win32'
    ? [
        'APPDATA',
        'COMSPEC',
        'HOMEDRIVE',
        'HOMEPATH',
        'LOCALAPPDATA',
        'PATH',
        'PATHEXT',
        'PROCESSOR_ARCHITECTURE',
        'PROGRAMFILES',
        'SYSTEMDRIVE',
        'SYSTEMROOT',
        'TEMP',
        'TMP',
        'USERNAME',
        'USERPROFILE',
      ]
    : ['HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER'];

/**
 * The environment of a child: an allow-list of this process's own, and what the operator has named.
 *
 * Nothing of a request gets here, and no file is read.
 *
 * @param named Variables by name: with their value, or with `undefined` for the value that this process has.
 */
export function childEnvironment(
  named: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of inherited) {
    const value = own[name];
    // A shell exports its functions this way, as code.
    if (value !== undefined && !value.startsWith('()')) environment[name] = value;
  }
  for (const [name, given] of Object.entries(named)) {
    const value = given ?? own[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
