// What a program that found itself wrong leaves in its log: a sanitizer's report, or the last words of
// src/base/must.c. And what a test that is wrong does: it sets what nobody reads.
const REPORTS = /unknown environment variable|ERROR: AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|msg="broken invariant"/;

// '' when the log holds none, else the first and what stands about it.
export function reportIn(log) {
	const at = log.search(REPORTS);
	return at < 0 ? '' : log.slice(Math.max(0, at - 200), at + 6000);
}
