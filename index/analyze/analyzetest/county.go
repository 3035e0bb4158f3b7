package analyzetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"gengtu/index"
	"gengtu/index/edition"
)

// classes are drawn for patches: most are cropland.
var classes = []string{"0101", "0101", "0102", "0103", "0103", "0103", "0201K", "0301", "0702", "1104", "1006", "1202"}

// New returns a county of two vintages, 2023 and 2024, from a seed: dltb with its view
// cropland, pbf, hsf (rectangles that overlap each other) and region. Patches lie in 2
// townships of 2 villages of 2 groups each, by columns of the county. From one year to
// the next some 8 % of the patches change their class, and a few are cut in two. PBF is
// four fifths of the cropland of 2023, a part of it without the patch's last cell. Net
// areas leave out 5 % of cropland.
func New(seed uint64, w, h, patches int) *County {
	c := &County{W: w, H: h}
	rnd := rand.New(rand.NewPCG(seed, 8))
	sets := c.Patches(rnd, patches)
	d23 := c.survey("2023")
	for i, set := range sets {
		c.patch(d23, uint64(1000+i), set, classes[rnd.IntN(len(classes))], rnd)
	}
	d24 := c.survey("2024")
	for i := range d23.Features {
		f := &d23.Features[i]
		class := d23.Text(i, "DLBM")
		if rnd.IntN(12) == 0 {
			class = classes[rnd.IntN(len(classes))]
		}
		if len(f.Cells) > 3 && rnd.IntN(20) == 0 {
			cut := 1 + rnd.IntN(len(f.Cells)-1)
			c.patch(d24, f.ID, f.Cells[:cut], class, rnd)
			c.patch(d24, f.ID+500_000, f.Cells[cut:], classes[rnd.IntN(len(classes))], rnd)
			continue
		}
		c.patch(d24, f.ID, f.Cells, class, rnd)
	}
	pbf := &Layer{Name: "pbf", Vintage: "2024", Fields: Fields("BSM", "YJJBNTTBBH", "DLBM", "GDDJ:integer", "ZLDWDM"), Class: "DLBM"}
	for i := range d23.Features {
		f := d23.Features[i]
		class := d23.Text(i, "DLBM")
		if class[:2] != "01" || class == "0201K" || rnd.IntN(5) == 0 {
			continue
		}
		set := f.Cells
		if len(set) > 2 && rnd.IntN(3) == 0 {
			set = set[:len(set)-1]
		}
		patch := cents(c.AreaOf(set))
		pbf.Features = append(pbf.Features, Feature{ID: 2_000_000 + f.ID, Cells: set, Patch: patch, Net: patch * 95 / 100, Place: f.Place,
			Values: []any{fmt.Sprint(2_000_000 + f.ID), fmt.Sprint("P", f.ID), class, int64(1 + rnd.IntN(15)), f.Place}})
	}
	hsf := &Layer{Name: "hsf", Vintage: "2024", Fields: Fields("BSM", "XMMC", "JSND:integer", "XZQDM", "STAGE", "ZLDJ")}
	for i := range max(3, patches/20) {
		set := c.Rectangle(rnd, max(2, w/4))
		place := c.place(set[len(set)/2])[:6]
		hsf.Features = append(hsf.Features, Feature{ID: uint64(3_000_000 + i), Cells: set, Patch: cents(c.AreaOf(set)), Net: index.NoArea, Place: place,
			Values: []any{fmt.Sprint(3_000_000 + i), fmt.Sprint("项目", i), int64(2016 + rnd.IntN(9)), place, "", ""}})
	}
	c.Layers = append(c.Layers, d23, cropland("2023"), d24, cropland("2024"), pbf, hsf, c.region())
	return c
}

// cropland is the view of the survey's patches of classes 01.
func cropland(vintage string) *Layer {
	return &Layer{Name: "cropland", Vintage: vintage, Fields: surveyFields, Class: "DLBM", View: &edition.View{Of: "dltb", Field: "DLBM", Prefix: "01"}}
}

var surveyFields = Fields("BSM", "DLBM", "ZLDWDM", "QSDWDM", "KCXS:real", "GDPDJB", "GDDB:integer", "ZZSXDM", "QSXZ")

func (c *County) survey(vintage string) *Layer {
	return &Layer{Name: "dltb", Vintage: vintage, Fields: surveyFields, Class: "DLBM"}
}

// patch adds a patch of the survey.
func (c *County) patch(l *Layer, id uint64, set []int, class string, rnd *rand.Rand) {
	area := cents(c.AreaOf(set))
	net, ridge := area, 0.0
	if class[:2] == "01" {
		ridge = 0.05
		net = area - int64(math.Round(float64(area)*ridge))
	}
	place := c.place(set[len(set)/2])
	l.Features = append(l.Features, Feature{ID: id, Cells: set, Patch: area, Net: net, Place: place,
		Values: []any{fmt.Sprintf("619901200%09d", id), class, place, place, ridge, fmt.Sprint(1 + rnd.IntN(5)), int64(1 + rnd.IntN(15)), "", "30"}})
}

// place returns the code of the group, of 14 digits, that a cell lies in.
func (c *County) place(cell int) string {
	n := (cell % c.W) * 8 / c.W
	return fmt.Sprintf("619901%03d%03d%02d", 100+n/4, 201+n/2%2, 1+n%2)
}

// region is the villages, the townships and the county.
func (c *County) region() *Layer {
	l := &Layer{Name: "region", Vintage: "2024", Fields: Fields("XZQDM", "XZQMC")}
	by := map[string][]int{}
	var codes []string
	for cell := range c.W * c.H {
		code := c.place(cell)[:12]
		if by[code] == nil {
			codes = append(codes, code)
		}
		by[code] = append(by[code], cell)
	}
	for i, code := range codes {
		l.Features = append(l.Features, Feature{ID: uint64(4_000_000 + i), Cells: by[code], Patch: index.NoArea, Net: index.NoArea, Place: code, Values: []any{code, "村" + code[6:]}})
	}
	return l
}

// cents rounds an area to 0.01 m².
func cents(m2 float64) int64 { return int64(math.Round(m2 * 100)) }

// Rectangles adds a layer, NAME@VINTAGE, of n random rectangles of at most so many cells a
// side; values are those of each.
func (c *County) Rectangles(rnd *rand.Rand, layer string, n, most int, fields []edition.Field, values func(i int) []any) *Layer {
	name, vintage, _ := strings.Cut(layer, "@")
	l := &Layer{Name: name, Vintage: vintage, Fields: fields}
	for i := range n {
		set := c.Rectangle(rnd, most)
		l.Features = append(l.Features, Feature{ID: uint64(9_000_000 + 1000*len(c.Layers) + i), Cells: set, Patch: index.NoArea, Net: index.NoArea, Place: c.place(set[0])[:6], Values: values(i)})
	}
	c.Layers = append(c.Layers, l)
	return l
}
