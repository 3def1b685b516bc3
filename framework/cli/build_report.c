/* partita build --report: what Yosys counts, against the board. */
#include "cli/build.h"
#include "hls/gen/report.h"

/* Longest cell delay that leaves half of 10 ns to wires. */
#define DELAY_NS 5.0

pta_status pta_build_report(pta_ctx *ctx, const pta_build_board *board,
                            const char *folder)
{
    pta_synthesis s;
    PTA_TRY(pta_synthesise(ctx, board->manifest, folder, &s));
    pta_share share = pta_share_of(&s.resources);
    json_t *over = share.over == NULL ? json_null() : json_string(share.over);
    json_object_set_new(
        board->json, "report",
        json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:f,s:o,s:{s:f,s:f,s:f,s:f,s:f}}",
                  "yosys", s.yosys, "lut", (json_int_t)s.resources.lut,
                  "lutram", (json_int_t)s.resources.lutram, "ff",
                  (json_int_t)s.resources.ff, "dsp",
                  (json_int_t)s.resources.dsp, "bram18",
                  (json_int_t)s.resources.bram18, "cell_delay_ns",
                  1e-3 * (double)s.cell_delay_ps, "over", over, "percent",
                  "lut", share.lut, "lutram", share.lutram, "ff", share.ff,
                  "dsp", share.dsp, "bram", share.bram));
    return PTA_OK;
}

static void tell(pta_table_text *table, const json_t *board,
                 const json_t *report)
{
    static const char *const counts[] = {"lut", "lutram", "ff", "dsp"};
    static const char *const shares[] = {"lut", "lutram", "ff", "dsp", "bram"};
    const json_t *percent = json_object_get(report, "percent");
    const char *over = json_string_value(json_object_get(report, "over"));
    double delay = json_number_value(json_object_get(report, "cell_delay_ns"));
    char text[PTA_COUNT_TEXT];
    pta_table_cell(table, "%s",
                   json_string_value(json_object_get(board, "folder")));
    for (int i = 0; i < 4; i++) {
        pta_table_cell(
            table, "%s",
            pta_print_count(
                json_integer_value(json_object_get(report, counts[i])), text));
    }
    pta_table_cell(
        table, "%.1f",
        0.5 * (double)json_integer_value(json_object_get(report, "bram18")));
    for (int i = 0; i < 5; i++) {
        pta_table_cell(table, "%.0f",
                       json_number_value(json_object_get(percent, shares[i])));
    }
    pta_table_cell(table, "%.1f", delay);
    if (over != NULL) {
        pta_table_cell(table, "too much %s", over);
    } else {
        pta_table_cell(table, delay > DELAY_NS ? "slow" : "yes");
    }
}

pta_status pta_build_report_print(pta_ctx *ctx, const json_t *boards)
{
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    "board|>LUT|>of these memory|>FF|>DSP|>BRAM36|>% LUT|"
                    ">% LUTRAM|>% FF|>% DSP|>% BRAM|>ns|fits");
    const char *yosys = NULL;
    for (size_t i = 0; i < json_array_size(boards); i++) {
        const json_t *board = json_array_get(boards, i);
        const json_t *report = json_object_get(board, "report");
        if (report != NULL) {
            yosys = json_string_value(json_object_get(report, "yosys"));
            tell(&table, board, report);
        }
    }
    if (yosys == NULL) {
        pta_table_free(&table);
        return PTA_OK;
    }
    printf(
        "counted by %s; per cent of the board with 6,000 LUT, 8,000 FF and 4 "
        "BRAM36\nassumed for DMA and interconnect; ns of cell delay between "
        "registers, an indication:\n",
        yosys);
    pta_status status = pta_table_end(&table, stdout);
    printf("\n");
    return status;
}
