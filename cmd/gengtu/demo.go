package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"gengtu/index/edition"
	"gengtu/ingest"
	"gengtu/ingest/policy"
	"gengtu/ingest/sample"
	"gengtu/tileserver/access"
)

func runSample(e *env, fs *flags) error {
	out := fs.String("out", "", "目录|directory")
	parcels := fs.Int("parcels", 10_000, "图斑数|number of patches")
	seed := fs.Uint64("seed", 1, "随机种子|seed")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	if err := need("out", *out); err != nil {
		return err
	}
	return e.sample(*out, *parcels, *seed)
}

func (e *env) sample(out string, parcels int, seed uint64) error {
	if parcels < 1 || parcels > 5_000_000 {
		return usage("PARCELS", "--parcels 是 %d，应在 1 到 5000000 之间", "--parcels is %d; it lies in [1, 5000000]", parcels)
	}
	p := e.progress()
	defer p.end()
	sum, err := sample.Write(e.ctx, out, sample.Options{Parcels: parcels, Seed: seed, Progress: func(done, total int) {
		p.tell(e.pick("样例", "sample"), int64(done), int64(total))
	}})
	if err != nil {
		return err
	}
	p.end()
	return e.giveSample(sum)
}

// giveSample says what was written.
func (e *env) giveSample(sum sample.Summary) error {
	if e.json {
		return json.NewEncoder(e.stdout).Encode(sum)
	}
	e.printf(e.pick("%s：合成数据，%d 个图斑，%d 个村\n", "%s: synthetic, %d patches, %d villages\n"), sum.Dir, sum.Parcels, sum.Villages)
	for _, d := range sum.Deliveries {
		for _, l := range d.Layers {
			e.printf("  %s  %-8s %-14s %6d\n", d.Vintage, l.Name, l.File, l.Features)
		}
	}
	e.printf("  %s %v\n", e.pick("自相交的图斑（有意为之）", "rings that cross themselves (on purpose)"), sum.Faulty)
	return nil
}

// demoEdition is one step of the demo.
type demoEdition struct {
	tier edition.Tier
	dir  string
}

func runDemo(e *env, fs *flags) error {
	listen := fs.String("listen", "127.0.0.1:8080", "监听地址|address to listen on")
	data := fs.String("data", "", "数据目录，不给则用临时目录|directory for the data; a temporary one otherwise")
	parcels := fs.Int("parcels", 10_000, "图斑数|number of patches")
	plain := fs.Bool("plain-http", false, "允许在非本机地址上用明文 HTTP|allow plain HTTP beyond this machine")
	if _, err := fs.parse(0, 0); err != nil {
		return err
	}
	dir := *data
	if dir == "" {
		tmp, err := os.MkdirTemp("", "gengtu-demo-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(tmp) }() // what stays is the system's to clean
		dir = tmp
	}
	start := time.Now()
	editions := []demoEdition{
		{edition.Secure, filepath.Join(dir, "secure")}, {edition.Government, filepath.Join(dir, "government")}, {edition.Public, filepath.Join(dir, "public")},
	}
	if err := e.demoData(dir, *parcels, editions); err != nil {
		return err
	}
	f := serving{listen: *listen, access: filepath.Join(dir, "access.json"), log: logging{level: "warn"}, plain: *plain}
	tokens := map[edition.Tier]string{}
	// A demo's tokens are made anew each time; nobody keeps them.
	if err := os.Remove(f.access); err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, d := range editions {
		f.editions = append(f.editions, d.dir)
		if d.tier == edition.Public {
			continue
		}
		t, err := access.Add(f.access, access.Token{Name: "demo-" + string(d.tier), Tier: string(d.tier), Created: time.Now().UTC()})
		if err != nil {
			return err
		}
		tokens[d.tier] = t
	}
	return e.serve(&f, func(addr string) {
		e.printf("%s (%.1f s)\n\n", e.pick("合成数据，仅供演示", "synthetic data, for demonstration only"), time.Since(start).Seconds())
		for _, d := range editions {
			link := "http://" + addr + "/?tier=" + string(d.tier)
			if t := tokens[d.tier]; t != "" {
				link += "#tk=" + t
			}
			e.printf("  %-10s %s\n", d.tier, link)
		}
		e.printf("\n")
		for t, tok := range tokens {
			e.printf("  token %-10s %s\n", t, tok)
		}
		e.printf("  token %-10s %s\n\n%s\n", edition.Public, e.pick("（不需要）", "(none needed)"), e.pick("按 Ctrl-C 结束", "Ctrl-C ends it"))
	})
}

// demoData makes the deliveries and the three editions, but for those that an
// earlier run left in the directory.
func (e *env) demoData(dir string, parcels int, editions []demoEdition) error {
	if _, _, err := edition.Current(editions[2].dir); err == nil {
		e.notef("%s %s\n", e.pick("沿用已有数据", "taking the data that are there:"), dir)
		return nil
	}
	deliveries := filepath.Join(dir, "deliveries")
	quiet := *e
	quiet.stdout = e.stderr
	if err := quiet.sample(deliveries, parcels, 1); err != nil {
		return err
	}
	var inputs []ingest.Input
	for _, year := range []string{"2023", "2024"} {
		for layer, file := range map[string]string{"dltb": "DLTB.shp", "pbf": "YJJBNTTB.gpkg", "hsf": "GBZNT.geojson", "region": "XZQ.fgb"} {
			inputs = append(inputs, ingest.Input{Layer: layer, Vintage: year, Path: filepath.Join(deliveries, year, file)})
		}
	}
	f := reading{report: filepath.Join(dir, "report.json")}
	if err := quiet.demoIngest(&f, inputs, editions[0].dir); err != nil {
		return err
	}
	p, err := policy.Default()
	if err != nil {
		return err
	}
	for _, d := range editions[1:] {
		done, err := e.publish(publication{from: editions[0].dir, tier: d.tier, policy: p, out: d.dir}, building{keep: edition.DefaultKeep, stages: &stages{}})
		if err != nil {
			return err
		}
		if err := quiet.giveRegister(done); err != nil {
			return err
		}
	}
	return nil
}

// demoIngest ingests without printing the long report, which is in its file.
func (e *env) demoIngest(f *reading, inputs []ingest.Input, out string) error {
	silent := *e
	silent.stdout = nowhere{}
	if err := silent.ingest(f, inputs, out, [2]int{5, 14}, building{keep: edition.DefaultKeep, stages: &stages{}}); err != nil {
		return err
	}
	e.notef("%s %s\n", e.pick("入库报告：", "report of the ingest:"), f.report)
	return nil
}

type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
