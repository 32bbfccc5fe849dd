// Pages that show what changes while they are open. <main data-live="all"> is told of everything that its viewer may
// see, "project:ID" and "container:ID" of that alone; several are parted by spaces. What changed comes as ids over one
// stream a browser, and the page asks for itself again and takes over what differs.

const live = document.querySelector("main[data-live]");
const SECOND = 1000;
/** Between two questions of a page, at least. */
const PAUSE = 2 * SECOND;
/** How long a stream may say nothing at first: something on the way holds it back. */
const SILENCE = 6 * SECOND;
/** How often a page asks when there is no stream. */
const ASK = 10 * SECOND;
/** When a stream that was refused is tried again. */
const TRY_AGAIN = 60 * SECOND;
/** How long a tab that nobody sees keeps the stream. */
const LET_GO = 30 * SECOND;
/** How long news are told again to tabs that open. */
const RECENT = 5 * SECOND;

const tabs = live && "BroadcastChannel" in window ? new BroadcastChannel("live") : null;
const recent = [];
let source = null, letGo = null, waitsForTurn = null, asking = 0, isOver = false;
const grownSlow = new Set();
let isStale = false, isAsking = false, askedAt = Date.now(), timer = 0, hiddenTimer = 0;

function concerns(news) {
	if (news.everything) return true;
	return live.dataset.live.split(" ").some((scope) => {
		const [kind, id] = scope.split(":");
		return kind === "all" || news[`${kind}s`].includes(id);
	});
}

/** What the tab with the stream tells, to itself as well. */
function hear(message) {
	if (message.news && concerns(message.news)) refetchSoon();
	if (message.state !== undefined) sayState(message.state);
	if (message.bye) end();
	if (message.joined && source) {
		for (const { at, news } of recent) if (Date.now() - at < RECENT) tabs.postMessage({ news });
	}
}

function tell(message) {
	if (message.news) {
		recent.push({ at: Date.now(), news: message.news });
		while (Date.now() - recent[0].at > RECENT) recent.shift();
	}
	tabs?.postMessage(message);
	hear(message);
}

function end() {
	isOver = true;
	close();
	sayState("You are signed out. Sign in to go on.");
}

/** One tab that is seen has the stream. Where tabs can't agree on one, each has its own. */
function lead() {
	if (isOver || source || waitsForTurn || document.hidden) return;
	if (!navigator.locks || !tabs) return open();
	waitsForTurn = new AbortController();
	navigator.locks.request("live", { signal: waitsForTurn.signal }, () => new Promise((done) => {
		letGo = done;
		open();
	})).catch(() => {}).finally(() => { waitsForTurn = null; });
}

function open() {
	source = new EventSource("/live");
	const silence = setTimeout(askInstead, SILENCE);
	source.addEventListener("hello", () => {
		clearTimeout(silence);
		clearInterval(asking);
		asking = 0;
		tell({ state: "" });
	});
	source.addEventListener("change", ({ data }) => tell({ news: JSON.parse(data) }));
	source.addEventListener("bye", () => tell({ bye: true }));
	source.addEventListener("error", () => {
		if (source?.readyState !== EventSource.CLOSED) return tell({ state: "Reconnecting…" });
		// Refused: the page's own question finds out whether the session goes on.
		clearTimeout(silence);
		askInstead();
		setTimeout(() => { if (source) { source.close(); open(); } }, TRY_AGAIN);
	});
}

function askInstead() {
	tell({ state: "Nothing comes in by itself: asking every 10 s." });
	asking ||= setInterval(() => tell({ news: { everything: true } }), ASK);
	tell({ news: { everything: true } });
}

function close() {
	source?.close();
	source = null;
	clearInterval(asking);
	asking = 0;
	letGo?.();
	letGo = null;
	waitsForTurn?.abort();
}

function sayState(text) {
	let line = document.querySelector(".live-state");
	if (!line && text) {
		line = document.createElement("p");
		line.className = "live-state";
		line.setAttribute("role", "status");
		document.querySelector(".topbar").append(line);
	}
	if (line) line.textContent = text;
}

function refetchSoon() {
	isStale = true;
	if (timer || isAsking || document.hidden || isOver) return;
	const wait = Math.max(PAUSE - (Date.now() - askedAt), 0) + Math.random() * 300;
	timer = setTimeout(refetch, wait);
}

function refetch() {
	timer = 0;
	isStale = false;
	isAsking = true;
	askedAt = Date.now();
	const request = new XMLHttpRequest();
	request.open("GET", location.href);
	request.responseType = "document";
	request.timeout = 15 * SECOND;
	request.setRequestHeader("Pilothouse-Live", "1");
	request.addEventListener("load", () => {
		const fresh = request.responseXML?.querySelector("main[data-live]");
		if (new URL(request.responseURL).pathname === "/login") return tell({ bye: true });
		if (request.status === 200 && fresh) takeOver(fresh);
	});
	request.addEventListener("loadend", () => {
		isAsking = false;
		if (isStale) refetchSoon();
	});
	request.send();
}

function takeOver(fresh) {
	const news = { count: 0 };
	merge(live, fresh, news);
	refreshTimes();
	const first = live.querySelector(".day");
	let bar = live.querySelector(".live-news");
	if (!news.count || !first) return bar?.remove();
	if (!bar) {
		bar = document.createElement("p");
		bar.className = "live-news";
		bar.setAttribute("role", "status");
		const link = document.createElement("a");
		link.className = "button";
		link.href = location.href;
		bar.append(link);
		first.before(bar);
	}
	const text = `${news.count} new`;
	if (bar.firstChild.textContent !== text) bar.firstChild.textContent = text;
}

const KEYS = ["activity", "project", "container", "user", "session", "job", "duty", "line"];

function keyOf(node) {
	if (node.nodeType !== Node.ELEMENT_NODE) return null;
	const key = KEYS.find((name) => node.dataset?.[name] !== undefined);
	return key ? `${key}:${node.dataset[key]}` : node.id ? `#${node.id}` : null;
}

const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
/** What somebody is at, or has done to the page, stays as it is. */
const isInUse = (node) => node.nodeType === Node.ELEMENT_NODE
	&& (node.matches("form") ? node.contains(document.activeElement) || node.dataset.touched !== undefined || node.querySelector("details[open]")
		: node.matches(".live-news, [role=status], [data-kept]"));

function merge(old, fresh, news) {
	if (old.isEqualNode(fresh) || isInUse(old)) return;
	if (old.nodeType !== Node.ELEMENT_NODE) {
		if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
		return;
	}
	// Behaviours change what they are bound to.
	const isBound = old.dataset?.behaviour !== undefined;
	for (const { name, value } of isBound ? [] : fresh.attributes) {
		if (name !== "open" && name !== "hidden" && old.getAttribute(name) !== value) old.setAttribute(name, value);
	}
	for (const { name } of isBound ? [] : [...old.attributes]) {
		if (!["open", "hidden", "tabindex", "data-touched"].includes(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
	}
	if (old.matches(".day > .timeline")) return mergeDay(old, fresh, news);
	if (old.querySelector(":scope > .day") && fresh.querySelector(":scope > .day")) return mergeDays(old, fresh, news);
	mergeChildren(old, fresh, news);
}

function mergeChildren(old, fresh, news) {
	const keyed = new Map([...old.childNodes].map((node) => [keyOf(node), node]).filter(([key]) => key));
	let at = old.firstChild;
	for (const child of [...fresh.childNodes]) {
		while (at && isAdded(at)) at = at.nextSibling;
		const key = keyOf(child);
		let match = key ? keyed.get(key) : at && isAlike(at, child) ? at : null;
		if (match && match.nodeName !== child.nodeName) match = null;
		if (match) {
			if (match === at) at = at.nextSibling;
			else old.insertBefore(match, at);
			merge(match, child, news);
		} else {
			const added = document.importNode(child, true);
			old.insertBefore(added, at);
			if (added.nodeType === Node.ELEMENT_NODE) bindAll(added);
		}
	}
	while (at) {
		const next = at.nextSibling;
		if (!isAdded(at) && !at.contains(document.activeElement)) at.remove();
		at = next;
	}
}

const isAdded = (node) => node.nodeType === Node.ELEMENT_NODE && node.matches(".live-news, .alert[role=status]");

/** Entries that are there change in place; new ones wait above, so that nothing moves under the reader. */
function mergeDay(old, fresh, news) {
	const here = new Map([...old.children].map((row) => [keyOf(row), row]));
	for (const row of fresh.children) {
		const known = here.get(keyOf(row));
		if (known) merge(known, row, news);
		else if (row.dataset.activity && !live.querySelector(`[data-activity="${CSS.escape(row.dataset.activity)}"]`)) news.count += 1;
	}
}

function mergeDays(old, fresh, news) {
	const rows = new Map([...old.querySelectorAll(":scope > .day > .timeline > li")].map((row) => [keyOf(row), row]));
	for (const row of fresh.querySelectorAll(":scope > .day > .timeline > li[data-activity]")) {
		const known = rows.get(keyOf(row));
		if (known) merge(known, row, news);
		else if (isNewer(row, old)) news.count += 1;
	}
	// What stands around the days: what goes on, how many there are.
	const around = (of) => [...of.children].filter((child) => !child.matches(".day, .live-news"));
	const before = around(old), after = around(fresh);
	if (before.length === after.length && before.every((child, n) => isAlike(child, after[n]))) {
		before.forEach((child, n) => merge(child, after[n], news));
	} else {
		const running = ":scope > .running";
		const was = old.querySelector(running), is = fresh.querySelector(running);
		if (was && is) merge(was, is, news);
		else if (was) was.remove();
		else if (is) old.querySelector(":scope > .day").before(document.importNode(is, true));
	}
}

/** An older one comes up from the next page when something above it was folded. */
function isNewer(row, old) {
	const time = (of) => of?.querySelector("time")?.dateTime ?? "";
	return time(row) >= time(old.querySelector(".day > .timeline > li[data-activity]"));
}

function bindAll(element) {
	if (element.matches("[data-behaviour]")) behaviours[element.dataset.behaviour]?.(element);
	bind(element);
}

/** What goes on grows older each second; when it grows older than usual, the page asks what to say of that, once. */
function tick() {
	if (document.hidden) return;
	for (const row of document.querySelectorAll(".running > li")) {
		const since = Date.parse(row.querySelector("time")?.dateTime ?? "");
		const label = row.querySelector(".badge small");
		if (!label || Number.isNaN(since)) continue;
		const { activity, usual } = row.dataset;
		if (usual && Date.now() - since > Number(usual) && !grownSlow.has(activity)) {
			grownSlow.add(activity);
			refetchSoon();
		}
		const seconds = Math.max(0, Math.floor((Date.now() - since) / SECOND));
		const text = seconds < 60 ? `${seconds} s` : seconds < HOUR ? `${Math.floor(seconds / 60)} m ${seconds % 60} s`
			: `${Math.floor(seconds / HOUR)} h ${Math.floor(seconds % HOUR / 60)} m`;
		if (/^\d+ (s|m|h)/.test(label.textContent) && label.textContent !== text) label.textContent = text;
	}
}

if (live) {
	tabs?.addEventListener("message", ({ data }) => hear(data));
	tabs?.postMessage({ joined: true });
	live.addEventListener("input", ({ target }) => { if (target.form) target.form.dataset.touched = ""; });
	document.addEventListener("visibilitychange", () => {
		clearTimeout(hiddenTimer);
		if (document.hidden) {
			hiddenTimer = setTimeout(close, LET_GO);
			return;
		}
		lead();
		if (isStale) refetchSoon();
	});
	addEventListener("pagehide", close);
	// A page that comes back out of the browser's memory is as old as it was.
	addEventListener("pageshow", ({ persisted }) => {
		if (!persisted) return;
		lead();
		refetchSoon();
	});
	lead();
	setInterval(tick, SECOND);
	// What is measured at intervals changes without anything having happened.
	const pulse = Number(live.querySelector("[data-pulse]")?.dataset.pulse);
	if (pulse) setInterval(refetchSoon, pulse * SECOND);
}
