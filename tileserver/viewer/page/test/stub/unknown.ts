// Stands for the address of a page that names a tier that there is not, with a token.
import { origin, token } from './browser';

location.href = `${origin}/?tier=foo#tk=${token}&map=13/34/108`;
