export async function restore(): Promise<number> {
  return 0;
}
