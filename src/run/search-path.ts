/**
 * Where to look for programs. What starts us, such as cron, may know no path for administrators; an empty element, or a
 * relative one, would be the working directory, whoever may write there.
 */
export function searchPath(known: string | undefined): string {
  const directories = (known ?? '').split(':').filter((directory) => directory.startsWith('/'));
  return [...directories, '/usr/sbin', '/sbin'].join(':');
}
