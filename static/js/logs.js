// The page of a container's logs: lines are added as they come. It follows them while its end is in sight, and lets go
// when somebody scrolls up. Nothing here makes HTML from text.

const log = document.querySelector(".log[data-live-url]");
const state = document.querySelector("[data-log-state]");
/** Lines that the page keeps; older ones go, and are a click away. */
const MOST = 5000;
/** How long a tab that nobody sees keeps its stream. */
const LET_GO = 30_000;
const LONGEST_PAUSE = 30_000;
const WORDS = {
	ended: "The container does not run. What it writes when it starts again appears here.",
	away: "The engine does not answer. Lines go on when it is back.",
};

let source = null, after = log?.dataset.after, pause = 0, timer = 0, hidden = 0, isOver = false, told = "", waiting = 0;

/** The box begins at its end: what is scrolled is counted from there. */
const isAtEnd = () => Math.abs(log.scrollTop) < 40;

function element(name, text, attributes) {
	const made = document.createElement(name);
	made.textContent = text;
	for (const [key, value] of Object.entries(attributes)) if (value) made.setAttribute(key, value);
	return made;
}

function row(line) {
	const item = element("li", "", { "data-line": line.at, "data-stream": line.is_error && "stderr" });
	const code = element("code", "", { dir: "auto" });
	if (line.is_error) code.append(element("b", "stderr", {}));
	for (const { class: name, text, is_hit: hit } of line.spans) {
		code.append(hit || name ? element(hit ? "mark" : "span", text, { class: name }) : text);
	}
	if (line.left_out) code.append(element("i", line.left_out, {}));
	item.append(element("a", line.time, { href: line.url, title: line.exact }), code);
	return item;
}

function add(lines) {
	const list = log.querySelector("ol");
	const follows = isAtEnd();
	const fromEnd = log.scrollHeight + log.scrollTop;
	list.append(...lines.map(row));
	if (follows) {
		while (list.children.length > MOST) list.firstElementChild.remove();
		log.scrollTop = 0;
	} else {
		// What is being read stays where it is.
		log.scrollTop = fromEnd - log.scrollHeight;
		waiting += lines.length;
	}
	say("");
}

function say(text) {
	told = text;
	const parts = [];
	if (waiting) {
		const button = element("button", `${waiting} new ${waiting === 1 ? "line" : "lines"}: go to the end`, { class: "button", type: "button" });
		button.addEventListener("click", () => {
			log.scrollTop = 0;
			log.focus();
		});
		parts.push(button, " ");
	}
	parts.push(text || (waiting ? "" : "Following: lines appear as they are written."));
	state.replaceChildren(...parts);
}

function open() {
	if (source || isOver || document.hidden) return;
	const url = new URL(log.dataset.liveUrl, location.href);
	url.searchParams.set("after", after);
	source = new EventSource(url);
	source.addEventListener("hello", () => {
		pause = 0;
		say("");
	});
	source.addEventListener("lines", ({ data, lastEventId }) => {
		after = lastEventId;
		add(JSON.parse(data));
	});
	source.addEventListener("state", ({ data }) => say(WORDS[data] ?? ""));
	source.addEventListener("bye", () => {
		isOver = true;
		close();
		say("You can't follow this container's lines any more. Reload the page.");
	});
	source.addEventListener("error", () => {
		say("Reconnecting…");
		if (source?.readyState !== EventSource.CLOSED) return;
		close();
		pause = Math.min(Math.max(2 * pause, 1000), LONGEST_PAUSE);
		timer = setTimeout(open, pause * (1 + Math.random()));
	});
}

function close() {
	clearTimeout(timer);
	source?.close();
	source = null;
}

if (log) {
	log.addEventListener("scroll", () => {
		if (waiting && isAtEnd()) {
			waiting = 0;
			say(told);
		}
	}, { passive: true });
	document.addEventListener("visibilitychange", () => {
		clearTimeout(hidden);
		if (document.hidden) hidden = setTimeout(close, LET_GO);
		else open();
	});
	addEventListener("pagehide", close);
	addEventListener("pageshow", ({ persisted }) => { if (persisted) open(); });
	open();
}
document.getElementById("here")?.scrollIntoView({ block: "center" });
