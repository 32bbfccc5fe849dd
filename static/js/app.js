// Small behaviours on top of pages that work without them. An element asks for one by
// data-behaviour="name"; nothing here makes HTML from text.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

/** "3 minutes ago" for the last two days; older times keep what the server wrote. */
function ago(seconds) {
	if (seconds < 0) return null;
	if (seconds < 45) return "just now";
	const [n, unit] = seconds < 90 * MINUTE ? [seconds / MINUTE, "minute"]
		: seconds < 36 * HOUR ? [seconds / HOUR, "hour"]
		: seconds < 2 * DAY ? [seconds / DAY, "day"] : [0, ""];
	const whole = Math.max(1, Math.round(n));
	return unit && `${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
}

/** Relative times grow old on an open page; exact ones (no data-relative) are left alone. */
function refreshTimes() {
	if (document.hidden) return;
	for (const time of document.querySelectorAll("time[data-relative]")) {
		const text = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
		// "yesterday 17:40" and dates don't age.
		if (text && /ago$|now$/.test(time.textContent)) time.textContent = text;
	}
}

const behaviours = {
	/** <button data-behaviour="copy" data-copy="text"> or data-copy-from="id of a field". */
	copy(button) {
		if (!navigator.clipboard) return;
		button.hidden = false;
		button.addEventListener("click", async () => {
			const source = document.getElementById(button.dataset.copyFrom ?? "");
			const label = button.querySelector("[data-label]") ?? button;
			const before = label.textContent;
			try {
				await navigator.clipboard.writeText(source ? source.value ?? source.textContent : button.dataset.copy);
				label.textContent = "Copied";
			} catch {
				source?.select?.();
				label.textContent = "Select and copy";
			}
			setTimeout(() => { label.textContent = before; }, 2000);
		});
	},

	/** A GET form of filters that sends itself when a choice is made; text waits for Enter. */
	"auto-submit"(form) {
		form.addEventListener("change", (event) => {
			const wait = event.target.closest("[data-no-submit]") || event.target.matches("[type=text], [type=search], [type=date]");
			if (!wait) form.requestSubmit();
		});
		// Empty fields would only make the address long.
		form.addEventListener("formdata", ({ formData }) => {
			for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
		});
	},

	/** A long list of options gets a field above it that hides those without what is typed. What is ticked stays. */
	find(list) {
		const field = Object.assign(document.createElement("input"), { type: "search", className: "input filter-find", autocomplete: "off" });
		field.placeholder = field.ariaLabel = "Find in this list";
		list.before(field);
		field.addEventListener("input", () => {
			const wanted = field.value.trim().toLowerCase();
			let title = null;
			for (const part of list.children) {
				if (part.matches(".menu-title")) {
					title = part;
					title.hidden = wanted !== "";
					continue;
				}
				part.hidden = !part.textContent.toLowerCase().includes(wanted) && !part.querySelector(":checked");
				if (title && !part.hidden) title.hidden = false;
			}
		});
		field.addEventListener("keydown", (event) => {
			// Enter goes to the first option that is left, and sends nothing.
			if (event.key !== "Enter") return;
			event.preventDefault();
			[...list.querySelectorAll("input")].find((option) => option.checkVisibility())?.focus();
		});
	},

	/** A heat map's days become one stop of the tab key: arrows walk among those with entries, weeks lie side by side. */
	days(map) {
		const days = [...map.querySelectorAll("a[data-day]")];
		const numbers = days.map((day) => Number(day.dataset.day));
		let at = days.length - 1;
		const stop = (next) => {
			if (!days[next]) return;
			days[at].setAttribute("tabindex", "-1");
			at = next;
			days[at].setAttribute("tabindex", "0");
		};
		for (const day of days) day.setAttribute("tabindex", "-1");
		stop(at);
		map.addEventListener("focusin", (event) => stop(days.indexOf(event.target.closest("a"))));
		map.addEventListener("keydown", (event) => {
			if (event.altKey || event.ctrlKey || event.metaKey) return;
			const here = numbers[at];
			const next = {
				ArrowUp: at - 1,
				ArrowDown: at + 1,
				ArrowLeft: numbers.findLastIndex((number) => number <= here - 7),
				ArrowRight: numbers.findIndex((number) => number >= here + 7),
				Home: 0,
				End: days.length - 1,
			}[event.key];
			if (next === undefined) return;
			event.preventDefault();
			days[next]?.focus();
			days[next]?.scrollIntoView({ block: "nearest", inline: "nearest" });
		});
	},

	/** The theme changes at once, here and in other open tabs; the form still tells the server. */
	theme(form) {
		form.addEventListener("submit", (event) => {
			const choice = event.submitter?.value;
			if (!choice) return;
			event.preventDefault();
			fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: choice }), redirect: "manual" })
				.then((answer) => { if (answer.status >= 400) location.reload(); }, () => location.reload());
			showTheme(choice);
			themes?.postMessage(choice);
		});
	},

	/** A form that was not taken: whoever goes back instead of sending it again finds their words in the form. */
	unsaved(form) {
		const words = [...new FormData(form)];
		sessionStorage.setItem(UNSAVED, JSON.stringify({ whose: whose(), action: form.getAttribute("action"), words }));
		form.addEventListener("submit", () => sessionStorage.removeItem(UNSAVED));
	},

	/** A field that must be typed exactly before its button works; the server checks as well. */
	confirm(input) {
		const button = input.form.querySelector("[type=submit]");
		const check = () => { button.setAttribute("aria-disabled", String(input.value !== input.dataset.expected)); };
		input.addEventListener("input", check);
		check();
	},
};

const themes = "BroadcastChannel" in window ? new BroadcastChannel("theme") : null;
themes?.addEventListener("message", ({ data }) => showTheme(data));

function showTheme(choice) {
	document.documentElement.dataset.theme = choice;
	for (const button of document.querySelectorAll("[data-behaviour=theme] button")) {
		button.setAttribute("aria-pressed", String(button.value === choice));
	}
}

const UNSAVED = "unsaved";

/** Whose page this is: a tab may see several people. */
function whose() {
	return document.querySelector(".who")?.textContent;
}

/** Puts what was not saved back into the form that it came from, once. */
function restoreUnsaved() {
	const kept = JSON.parse(sessionStorage.getItem(UNSAVED));
	const forms = document.querySelectorAll("main form.form[method=post]:not([data-behaviour=unsaved])");
	const form = kept?.whose === whose() && [...forms].find((form) => form.getAttribute("action") === kept.action);
	if (!form) return;
	sessionStorage.removeItem(UNSAVED);
	for (const [name, value] of kept.words) {
		const field = form.elements.namedItem(name);
		if (field?.type !== "hidden" && field?.type !== "password" && "value" in (field ?? {})) field.value = value;
	}
}

function bind(root) {
	for (const element of root.querySelectorAll("[data-behaviour]")) behaviours[element.dataset.behaviour]?.(element);
}

// Menus: Esc closes and gives focus back; a click elsewhere closes.
document.addEventListener("click", ({ target }) => {
	for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
// A download leaves the page where it is, so its menu closes by itself.
document.addEventListener("submit", ({ target }) => {
	const menu = target.matches("[action$='/export']") && target.closest("details.menu");
	if (menu) menu.open = false;
});
document.addEventListener("keydown", (event) => {
	const typing = event.target.matches?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
	if (event.key === "Escape") {
		const menus = document.querySelectorAll("details.menu[open]");
		for (const menu of menus) {
			menu.open = false;
			menu.querySelector("summary").focus();
		}
		if (typing && !menus.length) event.target.blur();
		return;
	}
	// AltGr types a bracket on many keyboards.
	const other = event.metaKey || (!event.getModifierState("AltGraph") && (event.ctrlKey || event.altKey));
	if (!help || typing || other || event.isComposing || help.open) return;
	const gone = leader && Date.now() - leader > 2000;
	const act = leader && !gone ? places[event.key] && (() => visit(places[event.key])) : keys[event.key];
	leader = 0;
	if (act) {
		event.preventDefault();
		act();
	}
});

// Single keys are off without the dialog that lists them.
const help = document.getElementById("keys");
const places = { d: "/", p: "/projects", c: "/containers", a: "/activity", u: "/users", o: "/operations" };
let leader = 0;

/** Follows a link of this page, if it has it. */
function visit(path) {
	document.querySelector(`a[href="${path}"]`)?.click();
}

function focusOn(element) {
	if (!element) return;
	element.focus();
	element.select?.();
	element.scrollIntoView({ block: "nearest" });
}

/** What stands in rows, and what opens one: its link, or the first thing to press where it has none. */
const ROW = ".list tbody tr, [data-activity], .opens, .hits > li, .message";
const OPENS = ":scope > a, .name > a, .when, .acts :is(a, button)";

function rows() {
	const all = [...document.querySelectorAll(`main :is(${ROW})`)].map((row) => ({ row, link: row.querySelector(OPENS) }));
	return all.filter(({ link }) => link?.checkVisibility());
}

/** The row that holds the focus. */
function current(all) {
	const here = document.activeElement?.closest(ROW);
	return all.findIndex(({ row }) => row === here);
}

function step(by) {
	const all = rows();
	const at = current(all);
	focusOn(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by]?.link);
}

const keys = {
	j: () => step(1),
	k: () => step(-1),
	o: () => {
		const all = rows();
		all[current(all)]?.link.click();
	},
	"[": () => document.querySelector("main a[rel=prev]")?.click(),
	"]": () => document.querySelector("main a[rel=next]")?.click(),
	"/": () => {
		const search = document.querySelector("[data-search]");
		// A narrow page has a link to the search in place of the box.
		if (search?.checkVisibility()) focusOn(search);
		else visit("/search");
	},
	f: () => focusOn([...document.querySelectorAll(".filter-bar :is(input:not([type=hidden]), summary, select)")].find((field) => field.checkVisibility())),
	g: () => { leader = Date.now(); },
	n: () => document.querySelector(".page-actions a.button-primary")?.click(),
	u: () => [...document.querySelectorAll(".crumbs a")].at(-1)?.click(),
	"?": () => help.showModal(),
};

restoreUnsaved();
bind(document);
// What is wrong comes first, also where another field has the focus by itself.
document.querySelector("main [aria-invalid=true]")?.focus();
refreshTimes();
setInterval(refreshTimes, 30_000);
document.addEventListener("visibilitychange", refreshTimes);
