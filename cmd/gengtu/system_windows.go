package main

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"gengtu/index/edition"
)

// closeOutputs does nothing: who may read a new file is said by the list of the directory
// that it is in.
func closeOutputs(edition.Tier) {}

// keepUmask does nothing: the system has no umask.
func keepUmask() func() { return func() {} }

// umask returns 0: the system has none.
func umask() int { return 0 }

// processorTime returns what the process has taken so far; 0 where the system does
// not tell.
func processorTime() time.Duration {
	var made, ended, kernel, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &made, &ended, &kernel, &user) != nil {
		return 0
	}
	return hundreds(kernel) + hundreds(user)
}

// hundreds reads a Filetime that is a span, in units of 100 ns.
func hundreds(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}

// clicked tells whether the program has a console of its own, which ends with it: so it is
// when somebody has clicked on it, and not when a shell has started it.
func clicked() bool {
	var ids [2]uint32
	n, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetConsoleProcessList").
		Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)))
	return n == 1
}

// systemLang returns the language of the user's desktop, such as zh-CN.
func systemLang() string {
	all, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(all) == 0 {
		return ""
	}
	return all[0]
}
