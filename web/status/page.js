// Keeps /status up to date and its charts alive. The page is complete without this.
//
// Every few seconds the page is asked for anew, and of it only those parts are taken that are marked
// `data-live`: so one place, the service, decides how a figure is shown. The charts have data of
// their own, of which only what is new is asked for.
'use strict';

(() => {
	const EVERY_MS = 2000;
	const KEEP = 720;
	const SHORTEST_S = 300; // that a chart shows, however young the service is
	const charts = [];
	let columns = { at: [] };
	let paused = false;

	const byId = (id) => document.getElementById(id);
	const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

	async function ask(path) {
		const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(5000) });
		if (!answer.ok) throw new Error(`answered ${answer.status}`);
		return answer;
	}

	// ---- figures ----

	// What has not changed is left alone, for the sake of those who select or listen.
	function take(fresh) {
		for (const old of document.querySelectorAll('[data-live]')) {
			const now = fresh.getElementById(old.id);
			if (!now || now.isEqualNode(old)) continue;
			old.className = now.className;
			if (now.dateTime) old.dateTime = now.dateTime;
			if (old.innerHTML !== now.innerHTML) old.innerHTML = now.innerHTML;
		}
		document.title = fresh.title;
	}

	function complain(error) {
		const verdict = byId('verdict');
		const text = `No answer: ${error.message}. These figures are old.`;
		verdict.className = 'verdict bad';
		if (verdict.textContent !== text) verdict.textContent = text;
	}

	// ---- charts ----

	const shown = (value) => (value == null ? '-' : value >= 100 ? value.toFixed(0) : String(+value.toPrecision(3)));

	function axis(more) {
		return {
			stroke: colour('--soft'),
			font: '11px system-ui, sans-serif',
			grid: { stroke: colour('--edge'), width: 1 },
			ticks: { show: false },
			...more,
		};
	}

	// The legend tells the values under the pointer, else the latest.
	function tell(plot, figure) {
		const last = plot.data[0].length - 1;
		const at = plot.cursor.idx ?? last;
		figure.querySelectorAll('.legend b').forEach((b, i) => {
			b.textContent = shown(plot.data[i + 1][at]);
		});
	}

	function options(figure, width) {
		const names = figure.dataset.series.split(',');
		return {
			width,
			height: 150,
			legend: { show: false },
			cursor: { sync: { key: 'hour' }, points: { size: 6 }, y: false, drag: { x: false, y: false } },
			scales: {
				x: { time: true, range: (_, first, last) => [Math.min(first, last - SHORTEST_S), last] },
				y: { range: (_, least, most) => [0, most > 0 ? most * 1.05 : 1] },
			},
			axes: [axis({ size: 28, values: '{HH}:{mm}', space: 60, incrs: [60, 120, 300, 600, 900] }), axis({ size: 44, space: 30 })],
			series: [
				{},
				...names.map((_, i) => ({ stroke: colour(`--series-${i + 1}`), width: 1.75, points: { show: false } })),
			],
			hooks: {
				setCursor: [(plot) => tell(plot, figure)],
				setData: [(plot) => tell(plot, figure)],
			},
		};
	}

	const dataOf = (figure) => [columns.at, ...figure.dataset.series.split(',').map((name) => columns[name] ?? [])];

	function draw(figure) {
		const place = figure.querySelector('.plot');
		place.replaceChildren();
		const plot = new uPlot(options(figure, place.clientWidth), dataOf(figure), place);
		figure.classList.add('live');
		charts.push({ figure, place, plot });
	}

	function drawAll() {
		for (const { plot } of charts.splice(0)) plot.destroy();
		document.querySelectorAll('.chart').forEach(draw);
	}

	async function more() {
		const last = columns.at.at(-1) ?? 0;
		const fresh = await (await ask(`/status/history.json?after=${last}`)).json();
		if (fresh.at.length === 0) return;
		const next = {};
		for (const [name, values] of Object.entries(fresh))
			if (Array.isArray(values)) next[name] = [...(columns[name] ?? []), ...values].slice(-KEEP);
		columns = next;
		if (charts.length === 0) drawAll();
		else for (const { figure, plot } of charts) plot.setData(dataOf(figure));
	}

	// ---- life ----

	async function turn() {
		try {
			if (!paused && !document.hidden) {
				const text = await (await ask('/status')).text();
				take(new DOMParser().parseFromString(text, 'text/html'));
				await more();
			}
		} catch (error) {
			complain(error);
		}
		setTimeout(turn, EVERY_MS);
	}

	function pause() {
		paused = !paused;
		byId('pause').textContent = paused ? 'Go on' : 'Pause';
	}

	byId('pause').hidden = false;
	byId('pause').addEventListener('click', pause);
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.length > 0 && drawAll());
	new ResizeObserver(() => {
		for (const { place, plot } of charts)
			if (plot.width !== place.clientWidth) plot.setSize({ width: place.clientWidth, height: 150 });
	}).observe(byId('chart-grid'));
	turn();
})();
