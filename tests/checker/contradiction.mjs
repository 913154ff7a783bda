// What the checker has to say: in words first, then the lines of the record and the rows of the
// database that cannot both be right.
export class Contradiction extends Error {
	// `proof` is a list of [label, thing]; a thing that is no text is shown as JSON.
	constructor(words, proof = []) {
		super(words);
		this.proof = proof;
	}

	toString() {
		const lines = this.proof.map(([label, thing]) =>
			`  ${label}: ${typeof thing === 'string' ? thing : JSON.stringify(thing)}`);
		return [`contradiction: ${this.message}`, ...lines].join('\n');
	}
}

export function must(condition, words, proof) {
	if (!condition) throw new Contradiction(words, typeof proof === 'function' ? proof() : proof);
}
