// Measurements beside GEOS, which is C: a module of its own, so that neither the
// product nor its tests need a C compiler or libgeos-dev.
module gengtu/benchmarks/geos

go 1.26.0

require (
	gengtu v0.0.0
	github.com/peterstace/simplefeatures v0.50.0
)

replace gengtu => ../..
