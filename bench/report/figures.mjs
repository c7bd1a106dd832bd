/** What a scene shows of several samples: their median, or of one whose samples are maxima the greatest. */
export function summary({ areMaxima = false }, samples) {
  return areMaxima ? Math.max(...samples) : median(samples);
}

/** Three significant digits, without an exponent. */
export function shown(number) {
  return Number(number.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 21 });
}

/** Of an even number of samples, the mean of the two in the middle. */
export function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}
