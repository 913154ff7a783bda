// Chance that can be played again: the same seed, the same choices.

// CARDKEEP_SEED, or one that nobody has chosen; tests print it.
export const seedOf = () => Number(process.env.CARDKEEP_SEED ?? Math.floor(Math.random() * 2 ** 31));

export class Dice {
	#state;

	constructor(seed) {
		this.#state = seed >>> 0;
	}

	// From 0 up to, but not, 1 (mulberry32).
	next() {
		let t = (this.#state = (this.#state + 0x6d2b79f5) >>> 0);
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}

	// A whole number below `n`.
	below(n) {
		return Math.floor(this.next() * n);
	}

	among(list) {
		return list[this.below(list.length)];
	}

	// True once in `n`.
	once(n) {
		return this.below(n) === 0;
	}

	bytes(n) {
		return Buffer.from(Array.from({ length: n }, () => this.below(256)));
	}
}
