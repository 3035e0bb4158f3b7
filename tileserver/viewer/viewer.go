// Package viewer holds the web page that shows an edition's map, and MapLibre GL JS,
// all embedded, so that a server without a network shows the same page. The page's
// sources are the TypeScript in page/; what is in web/ is built from them and never
// written by hand.
//
// The page is served at the server's root and everything else below viewer/,
// beside each other: the page refers to viewer/main-HASH.js, and the modules find
// the tiers' addresses one folder above their own. It therefore works below any
// path prefix. The page asks no other host for anything.
//
// Package viewer speaks no HTTP; the tileserver wraps bytes, type and ETag in
// an answer.
package viewer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
)

// ContentSecurityPolicy is the policy that the page works under and should be
// served with: no inline script or style, no eval, nothing from elsewhere.
//
// Pictures from data: are the icons in MapLibre's style sheet, those from blob:
// are sprites that it has decoded.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

//go:embed web
var web embed.FS

// page is the file that the empty path stands for.
const page = "index.html"

// contentTypes is by file ending and complete for what is embedded; the
// machine's own table is not asked, because it differs between machines.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".md":   "text/plain; charset=utf-8",
	".txt":  "text/plain; charset=utf-8",
}

// asset is one embedded file in both encodings.
type asset struct {
	body, gzipped []byte
	contentType   string
	etag          string
}

// assets reads and compresses everything once.
var assets = sync.OnceValue(func() map[string]asset {
	all, err := load(web)
	if err != nil {
		// The files are part of the program: only a broken build gets here.
		panic(err)
	}
	return all
})

// Prepare compresses what is embedded, some 2 MB, so that the first reader need not wait for
// it. Whoever asks meanwhile waits as long as it takes.
func Prepare() { assets() }

// load returns the files below web/ by their path there.
func load(files fs.FS) (map[string]asset, error) {
	all := make(map[string]asset)
	err := fs.WalkDir(files, "web", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contentType, ok := contentTypes[path.Ext(name)]
		if !ok {
			return fmt.Errorf("viewer: %s: no content type for %q", name, path.Ext(name))
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("viewer: %w", err)
		}
		gzipped, err := compress(body)
		if err != nil {
			return fmt.Errorf("viewer: %s: %w", name, err)
		}
		sum := sha256.Sum256(body)
		all[strings.TrimPrefix(name, "web/")] = asset{
			body:        body,
			gzipped:     gzipped,
			contentType: contentType,
			etag:        hex.EncodeToString(sum[:12]),
		}
		return nil
	})
	return all, err
}

// compress returns body as one gzip member without name and time, so that equal
// files give equal bytes.
func compress(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Asset returns the file at path: its bytes, its content type and its strong
// ETag in quotes. ok is false when there is no such file.
//
// path is what follows viewer/ in the address ("LICENCES.txt",
// "maplibre-6.17.0/maplibre-gl.css"); the empty path is the page. It is matched
// as it is: no leading slash, no dots, no directories. The body belongs to
// package viewer and must not be changed. Safe for concurrent use.
func Asset(path string) (body []byte, contentType, etag string, ok bool) {
	a, ok := find(path)
	if !ok {
		return nil, "", "", false
	}
	return a.body, a.contentType, `"` + a.etag + `"`, true
}

// AssetGzip returns the same file as [Asset] compressed with gzip, for an
// answer with Content-Encoding: gzip. Its ETag differs from the plain one, as
// the bytes do. The body must not be changed. Safe for concurrent use.
func AssetGzip(path string) (body []byte, contentType, etag string, ok bool) {
	a, ok := find(path)
	if !ok {
		return nil, "", "", false
	}
	return a.gzipped, a.contentType, `"` + a.etag + `-gzip"`, true
}

// lasting are the names that stand for one content: with its hash, or with the version of
// the package that it is of.
var lasting = regexp.MustCompile(`^([A-Za-z0-9._]+-[0-9A-Z]{8}\.(js|css)|maplibre-[0-9.]+/maplibre-gl\.(mjs|css))$`)

// Lasting tells whether the file at path, as in [Asset], will have the same bytes for as
// long as it is there, so that whoever has it need not ask again. MapLibre's worker does not
// last: the policy that it works under comes with it, and is the server's to change.
func Lasting(path string) bool { return lasting.MatchString(path) }

// find returns the asset at path, the page for the empty path.
func find(path string) (asset, bool) {
	if path == "" {
		path = page
	}
	a, ok := assets()[path]
	return a, ok
}
