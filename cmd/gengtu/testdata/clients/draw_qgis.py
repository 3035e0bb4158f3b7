"""Draws a layer of the server in QGIS, once for each entry of the JSON list given."""
import json
import sys
from urllib.parse import quote

from qgis.core import (
    QgsApplication, QgsCoordinateReferenceSystem, QgsFillSymbol, QgsMapRendererParallelJob, QgsMapSettings, QgsProject,
    QgsPointXY, QgsRaster, QgsRasterLayer, QgsRectangle, QgsSingleSymbolRenderer, QgsVectorLayer, QgsVectorTileBasicRenderer,
    QgsVectorTileBasicRendererStyle, QgsVectorTileLayer, QgsWkbTypes,
)
from qgis.PyQt.QtCore import QEventLoop, QSize
from qgis.PyQt.QtGui import QColor

CRS = {"w": "EPSG:3857", "c": "EPSG:4490"}


def wmts(spec, address="wmts?SERVICE=WMTS&REQUEST=GetCapabilities&tk=", grid=None):
    grid = grid or spec["grid"]
    url = quote(f"{spec['service']}/{address}{spec['token']}", safe="")
    return QgsRasterLayer(
        f"crs={CRS[grid]}&format=image/png&layers={spec['layer']}&styles=default"
        f"&tileMatrixSet={grid}&url={url}", "WMTS", "wms")


def wmts_file(spec):
    return wmts(spec, "wmts/1.0.0/WMTSCapabilities.xml?tk=")


def wmts_warped(spec):
    return wmts(spec, grid="c")


def wms(spec):
    url = quote(f"{spec['service']}/wms?tk={spec['token']}", safe="")
    return QgsRasterLayer(f"crs={CRS[spec['grid']]}&format=image/png&layers={spec['layer']}&styles=&url={url}", "WMS", "wms")


def tiles(spec, ending):
    return quote(f"{spec['service']}/tiles/{spec['layer']}/{spec['grid']}/", safe="") \
        + "{z}/{x}/{y}" + quote(f".{ending}?tk={spec['token']}", safe="")


def png(spec):
    return QgsRasterLayer(f"type=xyz&zmin=0&zmax=18&url={tiles(spec, 'png')}", "PNG", "wms")


def blue():
    return QgsFillSymbol.createSimple({"color": "#336699", "outline_style": "no"})


def oapif(spec):
    """The layer's features, by OGC API - Features."""
    layer = QgsVectorLayer(f"url='{spec['service']}/ogc?tk={spec['token']}' typename='{spec['layer']}'", "OAPIF", "OAPIF")
    if layer.isValid():
        layer.setRenderer(QgsSingleSymbolRenderer(blue()))
    return layer


def mvt(spec):
    layer = QgsVectorTileLayer(f"type=xyz&zmin=0&zmax=18&url={tiles(spec, 'mvt')}", "MVT")
    style = QgsVectorTileBasicRendererStyle("fill", spec["layer"], QgsWkbTypes.PolygonGeometry)
    style.setSymbol(blue())
    renderer = QgsVectorTileBasicRenderer()
    renderer.setStyles([style])
    layer.setRenderer(renderer)
    return layer


FORMS = {"WMTS KVP": wmts, "WMTS file": wmts_file, "WMS": wms, "c in w": wmts_warped, "PNG": png, "MVT": mvt, "OAPIF": oapif}


def identify(spec, layer):
    """A click on the middle of the cross tells its BSM, beside it nothing."""
    extent, (x, y) = QgsRectangle(*spec["extent"]), spec["centre"]
    for at, there in ((QgsPointXY(x, y), True), (QgsPointXY(extent.xMinimum(), y), False)):
        answer = layer.dataProvider().identify(at, QgsRaster.IdentifyFormatHtml, extent, spec["width"], spec["height"])
        if (spec["bsm"] in str(answer.results())) != there:
            sys.exit(f"{spec['form']} {spec['grid']}: a click on {at} is answered {answer.results()} {answer.error().message()}")


def draw(spec):
    layer = FORMS[spec["form"]](spec)
    if not layer.isValid():
        sys.exit(f"{spec['form']} {spec['grid']}: QGIS does not take the layer: {layer.error().message()}")
    if spec["form"] in ("WMTS KVP", "WMTS file", "WMS"):
        identify(spec, layer)
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(CRS[spec["grid"]]))
    settings.setExtent(QgsRectangle(*spec["extent"]))
    settings.setOutputSize(QSize(spec["width"], spec["height"]))
    settings.setOutputDpi(96)
    settings.setBackgroundColor(QColor("white"))
    settings.setTransformContext(QgsProject.instance().transformContext())
    job = QgsMapRendererParallelJob(settings)
    loop = QEventLoop()
    job.finished.connect(loop.quit)
    job.start()
    loop.exec_()
    for fault in job.errors():
        sys.exit(f"{spec['form']} {spec['grid']}: {fault.message}")
    if not job.renderedImage().save(spec["out"]):
        sys.exit(f"cannot write {spec['out']}")


QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
for one in json.loads(sys.argv[1]):
    draw(one)
app.exitQgis()
