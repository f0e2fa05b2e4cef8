// Making and changing elements. Text is always set as text: nothing that a server or a client
// said can become markup.

// el("p", { class: "faint", onclick: f }, "text", child …); null children are left out.
export function el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
}

export function byId(id) {
    return document.getElementById(id);
}

// Changes nothing when nothing changes, so that selections and screen readers are left alone.
export function setText(node, text) {
    if (node.textContent !== String(text)) node.textContent = text;
}

export function setClass(node, name) {
    if (node.className !== name) node.className = name;
}

// Makes the children of `parent` those of `items`, in their order; what stays is kept, and so are
// focus and what is open. make(item) → element, update(element, item).
export function keep(parent, items, keyOf, make, update) {
    const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const key = String(keyOf(item));
        let child = known.get(key);
        if (!child) {
            child = make(item);
            child.dataset.key = key;
        }
        known.delete(key);
        if (child === place) place = place.nextElementSibling;
        else parent.insertBefore(child, place);
        update(child, item);
    }
    for (const child of known.values()) child.remove();
}

// Rows of a <dl>: [[term, text], …].
export function fillList(list, rows) {
    while (list.children.length > rows.length * 2) list.lastElementChild.remove();
    rows.forEach(([term, text], i) => {
        if (list.children.length <= i * 2) list.append(el("dt"), el("dd"));
        setText(list.children[i * 2], term);
        setText(list.children[i * 2 + 1], text);
    });
}

// How full something is; `over`: beyond what is good.
export function fillMeter(meter, part, label, over = false) {
    const percent = Math.round(Math.max(0, Math.min(1, part)) * 100);
    meter.firstElementChild.style.width = `${percent}%`;
    meter.setAttribute("aria-valuenow", percent);
    meter.setAttribute("aria-label", label);
    setClass(meter, over ? "meter over" : "meter");
}

export function meter() {
    return el(
        "div",
        { class: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
        el("span"),
    );
}

export async function copy(text, button) {
    const before = button.textContent;
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
    } catch {
        button.textContent = "Select it by hand";
    }
    setTimeout(() => (button.textContent = before), 1500);
}
