package edition

import "slices"

// Policy names the policy that an edition was made under, and carries what of
// it the server needs to keep to.
type Policy struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
	// GridLon and GridLat are the steps of the grid that all vertices lie on, in
	// units of 1e-10 degree; 0 where the geometry is as delivered. GridM is the
	// step in metres that the policy asked for.
	GridM   float64 `json:"grid_m,omitempty"`
	GridLon int64   `json:"grid_lon,omitempty"`
	GridLat int64   `json:"grid_lat,omitempty"`
	// PrecisionM is the mean error (RMS) in metres that no position is better than, as
	// far as the policy says.
	PrecisionM float64 `json:"precision_m,omitempty"`
	// MinZoom is the lowest zoom that is served; [Manifest.MaxZoom] is the highest.
	MinZoom int `json:"min_zoom,omitempty"`
	// MaxAOIM2 and MinAOIM2 bound the shapes that overlay answers; 0 is no bound.
	MaxAOIM2 float64 `json:"max_aoi_m2,omitempty"`
	MinAOIM2 float64 `json:"min_aoi_m2,omitempty"`
	// Pieces tells whether overlay may answer with single features.
	Pieces bool `json:"pieces"`
	// Groups are the fields that answers may be grouped by, nil any; see
	// [Policy.MayGroup]. TotalsOnly allows no groups and no combinations.
	Groups     []string `json:"groups,omitzero"`
	TotalsOnly bool     `json:"totals_only,omitempty"`
	// RoundM2 is the step in m² that areas in answers are rounded to; 0 is none.
	RoundM2 float64 `json:"round_m2,omitempty"`
	// Analyses are the questions that are answered, nil any; see [Policy.MayAnswer].
	Analyses []string `json:"analyses,omitzero"`
	// Use is what the data may be used for, Approval the map approval number
	// (审图号), Disclaimer what every picture carries.
	Use        Title  `json:"use"`
	Approval   string `json:"approval,omitempty"`
	Disclaimer Title  `json:"disclaimer"`
}

// MayGroup tells whether answers may be grouped by a field.
func (p *Policy) MayGroup(field string) bool {
	return !p.TotalsOnly && (p.Groups == nil || slices.Contains(p.Groups, field))
}

// MayAnswer tells whether a question of that name may be answered.
func (p *Policy) MayAnswer(question string) bool {
	return p.Analyses == nil || slices.Contains(p.Analyses, question)
}

// MayTellFeatures tells whether answers may be of single features, and questions may name
// them.
func (p *Policy) MayTellFeatures() bool { return p.Pieces && !p.TotalsOnly }

// MayAnalyze tells whether a whole-layer question of that name may be asked of the edition:
// one of public answers those alone that its policy names, and none where it names none.
func (m *Manifest) MayAnalyze(question string) bool {
	return m.Policy.MayAnswer(question) && (m.Tier != Public || m.Policy.Analyses != nil)
}

// Limit is something that policies limit.
type Limit struct {
	// Keys are those of the manifest's policy that it is about, as in its JSON; those that
	// a person writes are called the same in the policy's file.
	Keys []string
	// More is what an edition lets through that keeps less to it.
	More Title
	// beyond tells whether has lets see or ask something that let does not.
	beyond func(has, let *Policy) bool
	// kept tells that a kept answer to a whole-layer question shows it, too.
	kept bool
}

// limits are all that a manifest says of what may be seen and asked: what stands in none of
// them limits nothing.
var limits = []Limit{
	{
		Keys: []string{"grid_m"}, More: Title{"网格更细", "a finer grid"}, kept: true,
		beyond: func(has, let *Policy) bool { return has.GridM < let.GridM },
	},
	{
		Keys: []string{"grid_lon", "grid_lat"}, More: Title{"网格更细", "a finer grid"}, // not kept: degrees follow from grid_m and where the edition lies
		beyond: func(has, let *Policy) bool { return has.GridLon < let.GridLon || has.GridLat < let.GridLat },
	},
	{
		Keys: []string{"precision_m"}, More: Title{"所述精度更高，或没有写明", "a better precision, or none that is stated"}, // not kept: it states what the grid makes so, and answers state none
		beyond: func(has, let *Policy) bool { return has.PrecisionM < let.PrecisionM },
	},
	{
		Keys: []string{"min_zoom"}, More: Title{"级别更多", "more zooms"}, // not kept: answers have no zooms
		beyond: func(has, let *Policy) bool { return has.MinZoom < let.MinZoom },
	},
	{
		Keys: []string{"pieces"}, More: Title{"逐个要素作答", "answers with single features"}, kept: true,
		beyond: func(has, let *Policy) bool { return has.Pieces && !let.Pieces },
	},
	{
		Keys: []string{"totals_only"}, More: Title{"不止合计", "answers with more than totals"}, kept: true,
		beyond: func(has, let *Policy) bool { return let.TotalsOnly && !has.TotalsOnly },
	},
	{
		Keys: []string{"groups"}, More: Title{"更多分组字段", "more fields to group by"}, kept: true,
		beyond: func(has, let *Policy) bool { return hasMore(has.Groups, let.Groups) },
	},
	{
		Keys: []string{"analyses"}, More: Title{"更多专题", "more questions"}, kept: true,
		beyond: func(has, let *Policy) bool { return hasMore(has.Analyses, let.Analyses) },
	},
	{
		Keys: []string{"round_m2"}, More: Title{"面积取整更细", "areas that are rounded less"}, kept: true,
		beyond: func(has, let *Policy) bool { return has.RoundM2 < let.RoundM2 },
	},
	{
		Keys: []string{"min_aoi_m2"}, More: Title{"可问的范围更小", "smaller shapes to ask for"}, kept: true,
		beyond: func(has, let *Policy) bool { return has.MinAOIM2 < let.MinAOIM2 },
	},
	{
		Keys: []string{"max_aoi_m2"}, More: Title{"可问的范围更大", "larger shapes to ask for"}, kept: true,
		beyond: func(has, let *Policy) bool {
			return let.MaxAOIM2 > 0 && (has.MaxAOIM2 == 0 || has.MaxAOIM2 > let.MaxAOIM2)
		},
	},
}

// hasMore tells whether a list, of which nil is any name, has what another has not.
func hasMore(list, let []string) bool {
	return let != nil && (list == nil || slices.ContainsFunc(list, func(n string) bool { return !slices.Contains(let, n) }))
}

// Beyond lists the limits that let keeps to and p does not: what p lets see or ask beyond
// it. Both may go beyond the other; where neither does they let through the same.
func (p *Policy) Beyond(let *Policy) []Limit {
	return slices.DeleteFunc(slices.Clone(limits), func(l Limit) bool { return !l.beyond(p, let) })
}

// TellsAll tells whether what was told of a whole-layer question under another policy, by
// the classes of the field class or not, is no more than the edition lets be told.
func (m *Manifest) TellsAll(of *Policy, question, class string) bool {
	told := *of
	told.Analyses, told.Groups = []string{question}, []string{}
	if of.MayGroup(class) {
		told.Groups = []string{class}
	}
	beyond := told.Beyond(&m.Policy)
	return m.MayAnalyze(question) && !slices.ContainsFunc(beyond, func(l Limit) bool { return l.kept })
}
