package tileserver

import (
	"context"
	"errors"

	"gengtu/index"
	"gengtu/index/edition"
	"gengtu/index/extract"
	"gengtu/index/problem"
	"gengtu/tileserver/access"
	"gengtu/tileserver/tileset"
)

// scopedMemory is what the features of a scope take in memory until they are written.
const scopedMemory = 256 << 20

// makeScoped makes the edition of what of base lies in scope, in the directory dir,
// and says what was left out of it that lies in the scope.
func makeScoped(ctx context.Context, base *index.Index, scope *access.Scope, dir string) (*extract.Report, error) {
	part, err := partOf(scope)
	if err != nil {
		return nil, err
	}
	d, err := edition.Begin(dir)
	if err != nil {
		return nil, err
	}
	defer d.Abort()
	features := index.NewWriter(d.File(edition.FeaturesFile))
	features.Limit(scopedMemory)
	m, report, err := extract.Write(ctx, base, part, features)
	if err != nil {
		return nil, errors.Join(err, features.Abandon())
	}
	m.Program = base.Manifest.Program
	if err := index.Seal(ctx, d.File(edition.FeaturesFile)); err != nil {
		return nil, err
	}
	d.Finish(edition.FeaturesFile)
	ix, err := index.OpenFiles(d.File(""), m)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(buildScoped(ctx, d, ix), ix.Close()); err != nil {
		return nil, err
	}
	if m.ContentHash, err = tileset.ContentHash(d.File(edition.FeaturesFile), d.File(edition.TilesFile)); err != nil {
		return nil, err
	}
	return report, d.Commit(m, 1)
}

// partOf reads what of a scope bounds an edition. The rest of it bounds questions.
func partOf(scope *access.Scope) (extract.Scope, error) {
	part := extract.Scope{Layers: scope.Layers, Places: scope.Places}
	if scope.Area == "" {
		return part, nil
	}
	area, err := extract.ParseArea(scope.Area)
	part.Area = area
	return part, err
}

// buildScoped builds the ground and the tiles of an edition for a scope: of tiles, one
// zoom and the cells that all low ones are drawn from. The others are made when they are
// asked for, so that the first who asks waits for a part of the work.
func buildScoped(ctx context.Context, d *edition.Draft, ix *index.Index) error {
	made, err := index.BuildGround(ctx, ix, d.File(edition.GroundFile), func(_, _ int) {})
	if err != nil {
		return err
	}
	if made {
		d.Finish(edition.GroundFile)
	}
	return buildOneZoom(ctx, d, ix)
}

// scopedZoom is the zoom whose tiles are built for a scope.
const scopedZoom = 10

// errEmptyScope tells whether err says that a scope has nothing of an edition.
func errEmptyScope(err error) bool {
	p := problem.Of(err)
	return p != nil && p.Code == "SCOPE_EMPTY"
}
