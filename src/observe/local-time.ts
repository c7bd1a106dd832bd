/** `2026-11-22 12:00:00`: the wall clock of the host, as people and the monitoring script write it. */
export function localTime(date: Date): string {
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return `${day} ${time}`;
}

function twoDigits(number: number): string {
  return `${number}`.padStart(2, '0');
}
