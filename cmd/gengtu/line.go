package main

import (
	"errors"
	"strconv"

	"gengtu/index/areas"
	"gengtu/index/edition"
	"gengtu/index/problem"
)

// What a line says is wrong by itself, exit code 2, where no file that it names could make
// it right: a code that can be no place's, a name that is in no list of the program. What
// is wrong beside what the files hold is a failure, exit code 1.

// wrongLine is err as a usageError where it is a problem; nil and other errors stay as they are.
func wrongLine(err error) error {
	if p := problem.Of(err); p != nil {
		return usageError{p}
	}
	return err
}

// placeFlag refuses a code that can be no place's; "" is no code.
func placeFlag(code string) error {
	if code == "" || edition.IsPlace(code) {
		return nil
	}
	return usageError{edition.BadPlace(code)}
}

// crsFlag refuses the name of a coordinate system that shapes cannot come in; "" is none.
func crsFlag(name string) error {
	_, err := areas.ParseCRS(name)
	return wrongLine(err)
}

// workersFlag defines --workers: how many goroutines work at once, 0 for one a processor.
func workersFlag(fs *flags, workers *int) {
	fs.Var((*hands)(workers), "workers", "并行数，0 为全部处理器|goroutines at work, 0 for all processors")
}

// hands is a number of goroutines, not below 0.
type hands int

func (h *hands) String() string { return strconv.Itoa(int(*h)) }

func (h *hands) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("a whole number, 0 for all processors")
	}
	*h = hands(n)
	return nil
}
