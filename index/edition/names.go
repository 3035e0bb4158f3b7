package edition

import (
	"slices"
	"strings"
)

// The layers that rules of the product name. What layers there are beside is the
// profiles' matter, and data.
const (
	// Cropland is a view of [Survey] where the delivery has that.
	Cropland = "cropland"
	// PermanentCropland is permanent basic farmland.
	PermanentCropland = "pbf"
	// HighStandard is high-standard farmland.
	HighStandard = "hsf"
	// Region are the places, under their codes.
	Region = "region"
	// Survey are the patches of the land survey.
	Survey = "dltb"
)

// own are the product's own layers in the order in which they are listed: themes of
// farmland, places, the patches that tell the ground of all.
var own = []string{Cropland, PermanentCropland, HighStandard, Region, Survey}

// OwnLayers returns the product's own layers, first those that come first in every list.
// The slice is the caller's.
func OwnLayers() []string { return slices.Clone(own) }

// ShownLayers returns those of them that a map shows unless it is told otherwise, lowest
// first. [Survey] is not of them: it would hide what [Cropland] shows of it. The slice is
// the caller's.
func ShownLayers() []string { return slices.Clone(own[:slices.Index(own, Survey)]) }

// ThemeLayers returns those of them that a question is about unless it names others: the
// themes of farmland. The slice is the caller's.
func ThemeLayers() []string { return slices.Clone(own[:slices.Index(own, Region)]) }

// CroplandClass is what codes of classes (DLBM) begin with on cropland, and no others;
// 0201K and the other K-codes are none.
const CroplandClass = "01"

// IsCropland tells whether a class is one of cropland.
func IsCropland(class string) bool { return strings.HasPrefix(class, CroplandClass) }
