package main

import (
	"encoding/json"

	"gengtu/index/edition"
)

func runHistory(e *env, fs *flags) error {
	args, err := fs.parse(1, 1)
	if err != nil {
		return err
	}
	current, _, err := edition.Current(args[0])
	if err != nil {
		return err
	}
	all, err := edition.History(args[0])
	if err != nil {
		return err
	}
	if e.json {
		type row struct {
			Generation string `json:"generation"`
			Created    string `json:"created"`
			Current    bool   `json:"current"`
		}
		rows := []row{}
		for _, m := range all {
			rows = append(rows, row{m.Generation, m.Created, m.Generation == current})
		}
		return json.NewEncoder(e.stdout).Encode(rows)
	}
	for _, m := range all {
		mark := " "
		if m.Generation == current {
			mark = "*"
		}
		e.printf("%s %s %s %s", mark, m.Generation, m.Created, m.Tier)
		for i := range m.Layers {
			e.printf(" %s:%d", m.Layers[i].Key(), m.Layers[i].Features)
		}
		e.printf("\n")
	}
	return nil
}

func runRollback(e *env, fs *flags) error {
	args, err := fs.parse(1, 2)
	if err != nil {
		return err
	}
	generation := ""
	if len(args) == 2 {
		generation = args[1]
	}
	name, err := edition.Rollback(args[0], generation)
	if err != nil {
		return err
	}
	e.printf("%s\n", name)
	return nil
}
