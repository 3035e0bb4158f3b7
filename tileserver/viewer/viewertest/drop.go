package viewertest

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// File is a file as it is dropped on the page.
type File struct {
	Name string
	Data []byte
}

// Drop drops files on the map, as a hand does.
func (b *Tab) Drop(t *testing.T, files ...File) {
	t.Helper()
	b.DropOn(t, "#map canvas", files...)
}

// DropOn drops files on the element that a CSS selector finds.
func (b *Tab) DropOn(t *testing.T, selector string, files ...File) {
	t.Helper()
	made := make([]string, len(files))
	for i, f := range files {
		made[i] = fmt.Sprintf(`new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], %q)`, base64.StdEncoding.EncodeToString(f.Data), f.Name)
	}
	Eval[bool](t, b, `(() => {
		const dataTransfer = new DataTransfer();
		for (const f of [`+strings.Join(made, ",")+`]) dataTransfer.items.add(f);
		const target = document.querySelector(`+strconv.Quote(selector)+`);
		for (const kind of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
		return true;
	})()`)
}
