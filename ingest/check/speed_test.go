package check_test

import (
	"context"
	"os"
	"testing"

	"gengtu/ingest"
	"gengtu/ingest/check"
)

// BenchmarkCheck judges the delivery at GENGTU_CHECK by all rules.
func BenchmarkCheck(b *testing.B) {
	path := os.Getenv("GENGTU_CHECK")
	if path == "" {
		b.Skip("GENGTU_CHECK names no delivery")
	}
	for b.Loop() {
		res, _, err := check.Run(context.Background(), []ingest.Input{{Layer: "dltb", Vintage: "2024", Path: path}}, ingest.Options{Tier: "secure"}, check.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(res.Faults), "faults")
	}
}
