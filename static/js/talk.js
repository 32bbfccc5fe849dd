// The conversation goes on in its page: what is sent is answered by the next page, whose parts take the place of this one's.
// Without this, or when it fails, the form is sent as any other.

const TALKS = "form[action='/start/messages']";
const KEYS = " · Enter sends, Shift+Enter begins a new line";

let waits = false;

/** The parts of the next page in place of this one's. The field stays where it is, with whoever types in it,
 * and so does what was typed since `sent`, which the request took from it. */
function take(fresh, sent) {
	const [here, there] = [document, fresh].map((page) => page.querySelector(".talk"));
	const [field, next] = [here, there].map((talk) => talk.querySelector("#text"));
	if (!field || !next) {
		here.replaceWith(document.adoptNode(there));
		document.getElementById("main").focus();
		return;
	}
	const types = document.activeElement === field;
	const before = here.querySelectorAll("[role=log] > *").length;
	for (const part of ["#notice", "[role=log]", "#choices", "#text-error", ".ask .form-actions", "aside"]) {
		here.querySelector(part).replaceChildren(...there.querySelector(part).childNodes);
	}
	field.form.elements.seen.value = next.form.elements.seen.value;
	if (field.value === sent || next.value) field.value = next.value;
	field.ariaInvalid = next.ariaInvalid;
	const question = next.labels[0].textContent;
	field.labels[0].textContent = question;
	hint(there.querySelector("#text-hint").textContent);
	// The question is read out once: here, or as the field's name for whoever comes to it.
	const turns = [...here.querySelectorAll("[role=log] > *")];
	if (turns.length > before) {
		const reply = turns.at(-1).querySelector("[data-reply]")?.textContent ?? "";
		document.getElementById("said").textContent = types ? `${reply} ${question}`.trim() : reply;
	}
	if (!types) field.focus();
	here.querySelector(".ask").scrollIntoView({ block: "nearest" });
}

function hint(text) {
	document.getElementById("text-hint").textContent = text + KEYS;
}

/** The page that answers. */
function send(address, body) {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open("POST", address);
		request.responseType = "document";
		request.addEventListener("load", () => resolve(request.responseXML));
		request.addEventListener("error", reject);
		request.send(body);
	});
}

document.addEventListener("submit", async (event) => {
	const { target: form, submitter } = event;
	if (!form.matches(TALKS) || form.dataset.plain) return;
	event.preventDefault();
	if (waits) return;
	waits = true;
	const field = document.getElementById("text");
	const sent = field?.form === form ? field.value : null;
	const body = new URLSearchParams(new FormData(form, submitter));
	for (const button of document.querySelectorAll(".ask button")) button.setAttribute("aria-disabled", "true");
	try {
		take(await send(form.action, body), sent);
	} catch {
		// Taken already, it is not taken twice: the form says how many messages it has seen.
		form.dataset.plain = "true";
		form.requestSubmit(submitter);
	}
	waits = false;
});

document.addEventListener("keydown", (event) => {
	if (event.target.id !== "text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
	event.preventDefault();
	event.target.form.requestSubmit();
});

const told = document.getElementById("text-hint");
if (told) hint(told.textContent);
