// What a merge must come to, worked out apart from the service: a request's fields, and the keys of
// its documents, each held against what it was made from and what is there.
import { isDeepStrictEqual } from 'node:util';

const DOCUMENTS = ['fields_config', 'design_config'];

// Returns {content, overlaps}: `theirs` with what `sent` changed since `base`, and the names of what
// both changed, and not alike; where there are any, nothing may be applied. What a document lacks is
// undefined; what a profile lacks is null.
export function merge(base, theirs, sent) {
	const content = { ...theirs };
	const overlaps = [];
	for (const [field, mine] of Object.entries(sent))
		if (DOCUMENTS.includes(field))
			content[field] = mergeDocument(field, base[field] ?? {}, theirs[field] ?? {}, mine ?? {}, overlaps);
		else content[field] = mergeValue(field, base[field] ?? null, theirs[field] ?? null, mine, overlaps);
	return { content, overlaps };
}

function mergeDocument(field, base, theirs, mine, overlaps) {
	const keys = new Set([...Object.keys(base), ...Object.keys(theirs), ...Object.keys(mine)]);
	const merged = {};
	for (const key of keys) {
		const value = mergeValue(`${field}.${key}`, base[key], theirs[key], mine[key], overlaps);
		if (value !== undefined) merged[key] = value;
	}
	return merged;
}

function mergeValue(name, base, theirs, mine, overlaps) {
	if (isDeepStrictEqual(mine, base)) return theirs;
	if (!isDeepStrictEqual(theirs, base) && !isDeepStrictEqual(theirs, mine)) overlaps.push(name);
	return mine;
}
