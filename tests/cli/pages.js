// Appended to a page by pages.sh: measures what a reader would see and tells the
// page around it.
function seen() {
    const found = {width: innerWidth, page: document.documentElement.scrollWidth,
                   svgs: 0, texts: 0, problems: [], dark:
                       matchMedia("(prefers-color-scheme: dark)").matches};
    const lightness = colour => {
        const part = colour.match(/[\d.]+/g).slice(0, 3).map(v => {
            v /= 255;
            return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
    };
    const contrast = (a, b) => {
        const [x, y] = [lightness(a), lightness(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const touch = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
                            a.top < b.bottom - 4 && b.top < a.bottom - 4;
    for (const svg of document.querySelectorAll("svg")) {
        const box = svg.getBoundingClientRect(), texts = [];
        found.svgs++;
        if (box.left < 0 || box.right > innerWidth)
            found.problems.push(`svg ${found.svgs} ends at ${box.right}`);
        for (const text of svg.querySelectorAll("text")) {
            const at = text.getBoundingClientRect(), words = text.textContent;
            found.texts++;
            if (at.height < 10) found.problems.push(`"${words}" ${at.height} px`);
            if (at.left < box.left - 1 || at.right > box.right + 1 ||
                at.top < box.top - 1 || at.bottom > box.bottom + 1)
                found.problems.push(`"${words}" is cut`);
            for (const other of texts)
                if (touch(at, other.getBoundingClientRect()))
                    found.problems.push(`"${words}" on "${other.textContent}"`);
            if (contrast(getComputedStyle(text).fill, behind(svg)) < 4)
                found.problems.push(`"${words}": too little contrast`);
            texts.push(text);
        }
        for (const shape of svg.querySelectorAll("polyline"))
            if (contrast(getComputedStyle(shape).stroke, behind(svg)) < 2.5)
                found.problems.push("a curve has too little contrast");
    }
    for (const p of document.querySelectorAll("p,td,th,h1,h2,b,figcaption"))
        if (contrast(getComputedStyle(p).color, behind(p)) < 4)
            found.problems.push(`"${p.textContent}": too little contrast`);
    parent.postMessage(JSON.stringify(found), "*");
}
addEventListener("load", seen);
