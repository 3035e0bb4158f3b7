// Package exchange carries an edition from one network to another in a signed
// package: a file FILE.gtp that a person, or a gate device, moves.
//
// A package is a tar file of a strict form: manifest.json, manifest.sig, and the
// parts that the manifest lists, in its order, with its sizes and digests. Parts hold
// features as they are stored, compressed by gzip, and what became of which; no
// database and no tile crosses the gate, for the receiver decodes and judges every
// feature and draws the tiles itself. What it has then has the content hash that the
// manifest says. A full package holds an edition whole, a delta what changed since a
// generation that the receiver has.
//
// The receiver goes by a fixed order ([Receive]): sizes and counts, paths, signature,
// sequence, digests, level, fields, geometry, sums of areas, release by a second
// person, and only then one step that puts it in force, and a receipt. Whatever fails
// leaves the edition as it was, and the package in quarantine. Package exchange opens
// no connection and builds no edition by itself.
package exchange

import (
	"gengtu/index/problem"
)

// The limits of a package. A manifest that says more is refused before anything else
// is read.
const (
	// MaxManifestBytes is how long a manifest may be: some 20,000 fields.
	MaxManifestBytes = 8 << 20
	// MaxSignatureBytes is how long the file of the signature may be.
	MaxSignatureBytes = 16 << 10
	// MaxParts is how many parts a package may have.
	MaxParts = 4096
	// MaxPartBytes is how long a part may be, as it is in the file: what the tar
	// header's eleven octal digits hold.
	MaxPartBytes = 1<<33 - 1
	// MaxRawBytes is how long all parts together may be when they are unpacked.
	MaxRawBytes = 1 << 40
	// MaxRatio is how many times longer than in the file a part may say that it is:
	// DEFLATE reaches 1032 at most, and features some 10.
	MaxRatio = 1100
	// MaxRecordBytes is how long one feature may be: some 20 million positions.
	MaxRecordBytes = 256 << 20
	// MaxFeatures is how many features all layers may have together.
	MaxFeatures = 1 << 31
)

// The names of a package's first two files.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
)

// refused is a problem with a package at path. Its code begins with PACKAGE.
func refused(path, code, zh, en string, args ...any) *problem.Problem {
	return problem.New(code, zh, en, args...).In(path)
}

// resend is what to do about a package that is not as it was sent.
func resend(p *problem.Problem) *problem.Problem {
	return p.Advise("包已隔离，什么也没有导入：请对方重新打包、重新摆渡", "the package is in quarantine and nothing was taken in: have it packed and carried again")
}
