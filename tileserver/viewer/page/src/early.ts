// What must be there before the page's script and the map's are whole: a script of its own,
// which shares its parts with the page's.

import './shell/drops';
