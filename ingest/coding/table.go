package coding

import (
	"context"

	"gengtu/index"
	"gengtu/index/codes"
	"gengtu/index/edition"
	"gengtu/index/overlay"
)

// Row is what a code was in a vintage.
type Row struct {
	Code    string `json:"code"`
	Vintage string `json:"vintage"`
	// Kind is what happened; "" where the code stayed as it was.
	Kind codes.Kind `json:"kind,omitempty"`
	// Others are those of [codes.Event].
	Others []string `json:"others,omitempty"`
	BSM    string   `json:"bsm,omitempty"`
	// Contract is the DKBM of the contract parcel that most of the parcel lies in, and
	// ContractM2 what they share; "" where the edition has none there, or not the vintage.
	Contract   string  `json:"dkbm,omitempty"`
	ContractM2 float64 `json:"dkbm_m2,omitempty"`
}

// Title says in Chinese and English what happened.
func (r *Row) Title() edition.Title {
	if r.Kind == "" {
		return edition.Title{Zh: "沿用", En: "kept"}
	}
	return r.Kind.Title()
}

// contractLayer and contractField name the contract parcels and their codes.
const (
	contractLayer = "contract"
	contractField = "DKBM"
)

// contract is the contract parcel that a parcel lies in.
type contract struct {
	code string
	area float64
}

// Contracts are, by vintage and id, the contract parcels that most of each parcel lies in.
type Contracts map[string]map[uint64]contract

// ContractsOf finds them for the vintages of ix with codes; contract parcels are those of
// the same vintage or, where there are none, of the latest. It is empty where the edition
// has no layer contract.
func ContractsOf(ctx context.Context, ix *index.Index, r *codes.Register, workers int) (Contracts, error) {
	out := Contracts{}
	for _, v := range r.Vintages {
		l, c := ix.Layer(Layer, v), ix.Layer(contractLayer, v)
		if c == nil {
			c = ix.Layer(contractLayer, "")
		}
		if l == nil || c == nil || c.Field(contractField) < 0 {
			continue
		}
		found := map[uint64]contract{}
		var row index.Attributes
		err := overlay.Join(ctx, l, c, workers, func(pairs []overlay.Pair) error {
			for _, x := range pairs {
				id := l.Head(int(x.A)).ID
				if best, ok := found[id]; ok && best.area > x.Area {
					continue
				}
				if err := c.Attributes(int(x.B), &row); err != nil {
					return err
				}
				code := string(row.Values[c.Field(contractField)].Text)
				if best, ok := found[id]; code != "" && (!ok || x.Area > best.area || code < best.code) {
					found[id] = contract{code, x.Area}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		out[v] = found
	}
	return out, nil
}

// Rows lists what a code was, the earliest first: a row for each vintage with codes from
// the one that it was given in to the one that it was retired in, and for each event.
func Rows(r *codes.Register, code string, of Contracts) []Row {
	var out []Row
	events := r.Of(code)
	for _, v := range r.Vintages {
		n := len(out)
		for _, e := range events {
			if e.Vintage == v {
				out = append(out, rowOf(e, v, of))
			}
		}
		if e, ok := r.At(code, v); ok && len(out) == n && e.Kind != codes.Retired {
			row := rowOf(e, v, of)
			row.Kind, row.Others = "", nil
			out = append(out, row)
		}
	}
	return out
}

func rowOf(e codes.Event, vintage string, of Contracts) Row {
	c := of[vintage][e.ID]
	return Row{Code: e.Code, Vintage: vintage, Kind: e.Kind, Others: e.Others, BSM: e.BSM, Contract: c.code, ContractM2: c.area}
}
