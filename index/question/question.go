// Package question lists every whole-layer question that the program answers, whichever
// package it is of. It holds no question, and answers none.
package question

import (
	"gengtu/index/analyze"
	"gengtu/index/reconcile"
)

// All lists the questions in the order in which they are told; the list is the caller's.
func All() []*analyze.Question { return append(analyze.Questions(), reconcile.Asked()) }

// Find returns the question of that name, or a problem ANALYZE_UNKNOWN that names the
// nearest one.
func Find(name string) (*analyze.Question, error) { return analyze.Find(All(), name) }
