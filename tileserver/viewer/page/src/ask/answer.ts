// An overlay answer, as the contract has it. All areas are m² unless the name says
// another unit; what the server leaves out is absent.

import type { Geometry, Polygon, MultiPolygon } from 'geojson';

export interface Group { DLBM?: string; features: number; area_m2: number; area_mu?: number; patch_m2?: number | null; net_m2?: number | null; net_mu?: number | null }

// Piece is the part of one feature inside the shape.
export interface Piece { id: number; code?: string; area_m2: number; patch_m2?: number | null; net_m2?: number | null; geometry: Polygon | MultiPolygon }

export interface LayerAnswer {
  layer: string; vintage?: string; features: number; area_m2: number; area_mu?: number; area_ha?: number; patch_m2?: number | null; net_m2?: number | null; net_mu?: number | null;
  no_patch_area_m2?: number; no_net_area_m2?: number; patch_computed_m2?: number; net_computed_m2?: number; gross_area_m2?: number; groups?: Group[]; pieces?: Piece[];
}

export interface Combination { inside?: string[]; outside?: string[]; area_m2: number; net_m2?: Record<string, number | null> | null }

// Told is what was wrong with a shape: a text, or a problem with its code.
export type Told = string | { code?: string; zh?: string; en?: string; advice_zh?: string; advice_en?: string; detail?: string; message?: string };

export type Failure = string | { layer?: string; id?: number; key?: string; zh?: string; en?: string; reason?: string; reason_zh?: string; detail?: string; code?: string };

export interface Answer {
  generation?: string; tier?: string; program?: string; formula?: string; scope?: string; rounded_to_m2?: number;
  aoi?: { area_m2?: number; area_mu?: number; area_ha?: number; mended?: boolean; problems?: Told[]; geometry?: Geometry };
  layers?: LayerAnswer[]; combinations?: Combination[]; failed?: Failure[];
  receipt?: unknown;
}

// Element is one of a collection's answers: an answer, or why there is none.
export interface Element extends Answer { id?: unknown; properties?: Record<string, unknown> | null; status?: string; problem?: Told }

// Asked is what was asked: a shape, or a place. geometry is in degrees; null until the
// server has said what the coordinates that were sent are in degrees.
export interface Asked { geometry?: Geometry | null; place?: string; name?: string }
