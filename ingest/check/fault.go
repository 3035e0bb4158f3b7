// Package check judges deliveries by the survey's rules: topology, attributes,
// uniqueness, areas and structure. The rules are data (rules.yaml): number,
// group, severity, thresholds and texts can be edited without a new program.
//
// Of a delivery's shapes no more than Options.MemoryBytes lie in memory, 1 GiB by default.
// What grows with it besides: of each feature its box and its place (48 bytes), what of it
// must be unique (three hashes of 32 bytes and their table), and the edges that no neighbour
// has as well; of boundary lines and the places that they bound, all edges. Measured with
// patches of 24 vertices: 310,000 more took 302 MiB of the process with a collector set to
// 20 %, 411 MiB as it is set: 1 to 1.3 GiB a million parcels, shapes included as long as they
// fit in MemoryBytes.
//
// Package check changes nothing: what may be mended is ingest's to mend. A fault
// is about what was delivered, after it was mapped to the layer's standard fields.
package check

import (
	"gengtu/index/geo"
	"gengtu/index/problem"
)

// Fault is one place at which a delivery breaks a rule. It is not changed after
// it has been reported.
type Fault struct {
	// Rule is the number of the rule in rules.yaml.
	Rule string
	// Layer and Vintage name the layer, as Manifest does.
	Layer, Vintage string
	// File is the delivery's file as the user named it, Record the number of the
	// feature in it, from 1 (0 when the fault is not about one feature), and Key its
	// business key, "" when it has none.
	File   string
	Record int64
	Key    string
	// Other is the key of the second feature of a fault between two, such as an
	// overlap; where that one has no key, "#" and its record.
	Other string
	// At is a place inside the fault (CGCS2000 longitude, latitude): of an overlap or a
	// gap a point in it, of an attribute's fault a point in the feature. The zero
	// position when the fault has no place.
	At geo.Position
	// Shape is the ground that is at fault, such as what two features share; nil when
	// the rule is not about ground.
	Shape geo.MultiPolygon
	// AreaM2 is the ellipsoidal area of Shape, or the difference that a rule about
	// areas found, in m²; NaN when the rule is about neither.
	AreaM2 float64
	// Problem says in both languages what was found and what to do.
	Problem *problem.Problem
}
