/* Opens Keras models: see keras.h. */
#include "model/keras.h"

#include <string.h>

#include "model/model_priv.h"

/* ---- the reader ---- */

static bool source_equal(const pta_source *a, const pta_source *b)
{
    return a->kernel == b->kernel && a->bias == b->bias &&
           a->gamma == b->gamma && a->beta == b->beta && a->mean == b->mean &&
           a->variance == b->variance;
}

pta_status pta_source_key(pta_reader *r, const pta_source *source, int32_t *key)
{
    for (int32_t i = 0; i < r->n_sources; i++) {
        if (source_equal(&r->sources[i], source)) {
            *key = i;
            return PTA_OK;
        }
    }
    pta_source copy = *source; /* it may lie in the list that moves */
    pta_source *grown = pta_realloc(r->ctx, r->sources,
                                    ((size_t)r->n_sources + 1) * sizeof *grown);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    r->sources = grown;
    grown[r->n_sources] = copy;
    *key = r->n_sources++;
    return PTA_OK;
}

static pta_status reader_read(pta_reader *r, const char *text)
{
    PTA_TRY(pta_structure_parse(r->ctx, &r->pool, text, &r->structure));
    PTA_TRY(pta_slots_assign(r));
    PTA_TRY(pta_network_read(r));
    r->graph->is_plain = r->form == PTA_FORM_PLAIN;
    return pta_canonical(r);
}

pta_status pta_reader_open(pta_ctx *ctx, const char *text, pta_form form,
                           pta_reader *reader)
{
    *reader = (pta_reader){.ctx = ctx, .form = form};
    pta_status status = reader_read(reader, text);
    if (status != PTA_OK) {
        pta_reader_close(ctx, reader);
    }
    return status;
}

void pta_reader_close(pta_ctx *ctx, pta_reader *r)
{
    pta_graph_destroy(ctx, &r->graph);
    pta_free(ctx, r->sources);
    pta_free(ctx, r->slots);
    pta_structure_free(&r->structure);
    pta_pool_free(ctx, &r->pool);
    *r = (pta_reader){0};
}

/* ---- the model ---- */

static pta_status look(pta_ctx *ctx, const pta_h5 *file)
{
    char *text;
    PTA_TRY(pta_structure_read(ctx, file, &text));
    pta_free(ctx, text);
    return PTA_OK;
}

static pta_status model_read(pta_ctx *ctx, const char *path, pta_form form,
                             pta_model *m)
{
    PTA_TRY(pta_h5_probe(ctx, path, look));
    PTA_TRY(pta_h5_open(ctx, path, &m->file));
    PTA_TRY(pta_structure_read(ctx, m->file, &m->structure));
    pta_status status = pta_reader_open(ctx, m->structure, form, &m->reader);
    if (status != PTA_OK) {
        return pta_fail_in(ctx, status, "%s", path);
    }
    pta_structure_digest(&m->reader.structure, m->digest);
    m->weights = (pta_weights){pta_model_read_weights, m};
    return PTA_OK;
}

pta_status pta_model_open(pta_ctx *ctx, const char *path, pta_model **out)
{
    return pta_model_open_as(ctx, path, PTA_FORM_CANONICAL, out);
}

pta_status pta_model_open_as(pta_ctx *ctx, const char *path, pta_form form,
                             pta_model **out)
{
    pta_model *model;
    PTA_TRY_ALLOC(ctx, model, 1);
    pta_status status = model_read(ctx, path, form, model);
    if (status != PTA_OK) {
        pta_model_close(ctx, &model);
        return status;
    }
    *out = model;
    return PTA_OK;
}

void pta_model_close(pta_ctx *ctx, pta_model **model)
{
    if (*model == NULL) {
        return;
    }
    pta_reader_close(ctx, &(*model)->reader);
    pta_free(ctx, (*model)->structure);
    pta_h5_close(ctx, &(*model)->file);
    pta_free(ctx, *model);
    *model = NULL;
}

pta_status pta_model_graph_parse(pta_ctx *ctx, const char *text,
                                 pta_graph **out)
{
    return pta_model_graph_parse_as(ctx, text, PTA_FORM_CANONICAL, out);
}

pta_status pta_model_graph_parse_as(pta_ctx *ctx, const char *text,
                                    pta_form form, pta_graph **out)
{
    pta_reader reader;
    PTA_TRY(pta_reader_open(ctx, text, form, &reader));
    *out = reader.graph;
    reader.graph = NULL;
    pta_reader_close(ctx, &reader);
    return PTA_OK;
}

const char *pta_model_path(const pta_model *model)
{
    return pta_h5_path(model->file);
}

const char *pta_model_keras_version(const pta_model *model)
{
    return model->reader.structure.keras_version;
}

const pta_graph *pta_model_graph(const pta_model *model)
{
    return model->reader.graph;
}

pta_weights *pta_model_weights(pta_model *model)
{
    return &model->weights;
}

const char *pta_model_digest(const pta_model *model)
{
    return model->digest;
}

const char *pta_model_structure(const pta_model *model)
{
    return model->structure;
}

uint64_t pta_model_bytes_read(const pta_model *model)
{
    return pta_h5_bytes_read(model->file);
}

int64_t pta_model_file_params(const pta_model *model)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < model->reader.structure.n_stored; i++) {
        sum += pta_shape_count(&model->reader.structure.stored[i].shape);
    }
    return sum;
}
