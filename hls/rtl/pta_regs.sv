// AXI4-Lite register file of a core: docs/accelerators.md, register map 1.0.
//
// Ports: s_axi_: the map. core_rst resets everything but this module (16 cycles
// on a soft reset; no register is written meanwhile). start, samples: to the
// shells. in_*, out_*: the two AXI4-Streams, watched. sample_done, all_done,
// early, missing: from the shells. mem_*: see below.
// Parameters: DIGEST, WEIGHTS: first byte of the digest in the highest bits.
// RAM 1: the window to N_MEM weight memories of MEM_DEPTH[32 m +: 32] words of
// MEM_LANES[16 m +: 16] 32-bit lanes, at most LANES. mem_write: word mem_data
// belongs at mem_address of memory mem_select. mem_q: the word at mem_address
// of memory mem_select, MEM_WAIT cycles after mem_address came; mem_read is
// high while it is wanted, which is never while the core is busy.
// Resources: about 450 FF, 500 LUT; RAM: 64 LANES FF more.
`default_nettype none
module pta_regs #(
    parameter [31:0] CAPABILITIES = 0,
    parameter [31:0] CLOCK = 100000000,
    parameter [127:0] DIGEST = 0,
    parameter [127:0] WEIGHTS = 0,
    parameter RAM = 0,
    parameter N_MEM = 1,
    parameter LANES = 1,
    parameter [32*N_MEM-1:0] MEM_DEPTH = 32'd1,
    parameter [16*N_MEM-1:0] MEM_LANES = 16'd1,
    parameter MEM_WAIT = 4
) (
    input  wire                clk, rst,
    input  wire [11:0]         s_axi_awaddr,
    input  wire                s_axi_awvalid,
    output wire                s_axi_awready,
    input  wire [31:0]         s_axi_wdata,
    input  wire                s_axi_wvalid,
    output wire                s_axi_wready,
    output wire [1:0]          s_axi_bresp,
    output reg                 s_axi_bvalid,
    input  wire                s_axi_bready,
    input  wire [11:0]         s_axi_araddr,
    input  wire                s_axi_arvalid,
    output wire                s_axi_arready,
    output reg  [31:0]         s_axi_rdata,
    output wire [1:0]          s_axi_rresp,
    output reg                 s_axi_rvalid,
    input  wire                s_axi_rready,
    output reg                 core_rst, start,
    output reg  [31:0]         samples,
    input  wire                in_valid, in_ready, out_valid, out_ready,
    input  wire                sample_done, all_done, early, missing,
    output wire [15:0]         mem_select,
    output wire [31:0]         mem_address,
    output wire                mem_write, mem_read,
    output wire [32*LANES-1:0] mem_data,
    input  wire [32*LANES-1:0] mem_q
);
    localparam [31:0] MAGIC = 32'h50544131, VERSION = 32'h00010000;

    // ---- writes: address and data are kept until both are there ----
    reg aw_full, w_full;
    reg [9:0] aw; // word
    reg [31:0] w;
    assign s_axi_awready = !aw_full && !core_rst;
    assign s_axi_wready = !w_full && !core_rst;
    assign s_axi_bresp = 2'b00;
    wire put = aw_full && w_full && !s_axi_bvalid;
    always @(posedge clk) begin
        if (s_axi_awvalid && s_axi_awready) begin
            aw_full <= 1'b1;
            aw <= s_axi_awaddr[11:2];
        end
        if (s_axi_wvalid && s_axi_wready) begin
            w_full <= 1'b1;
            w <= s_axi_wdata;
        end
        if (put) begin
            aw_full <= 1'b0;
            w_full <= 1'b0;
        end
        if (put) s_axi_bvalid <= 1'b1;
        else if (s_axi_bready) s_axi_bvalid <= 1'b0;
        if (rst) begin
            aw_full <= 1'b0;
            w_full <= 1'b0;
            s_axi_bvalid <= 1'b0;
        end
    end

    wire control = put && aw == 10'h040; // 0x100
    wire soft_reset = control && w[1];
    wire starts = control && w[0] && !w[1];
    wire clears = control && w[2] || soft_reset;

    // ---- state ----
    reg [4:0] reset_left;
    reg busy, done;
    reg [3:0] errors;
    wire mem_refused;
    always @(posedge clk) begin
        reset_left <= soft_reset ? 5'd16 : core_rst ? reset_left - 1 : reset_left;
        core_rst <= soft_reset || core_rst && reset_left != 1;
        start <= starts && !busy;
        if (put && aw == 10'h042) samples <= w;
        if (starts && !busy) begin
            busy <= 1'b1;
            done <= 1'b0;
        end
        if (all_done) begin
            busy <= 1'b0;
            done <= 1'b1;
        end
        errors <= (errors & ~(put && aw == 10'h043 ? w[3:0] : 4'd0))
                  | {mem_refused, starts && busy, missing, early};
        if (rst || soft_reset) begin
            busy <= 1'b0;
            done <= 1'b0;
            errors <= 4'd0;
        end
        if (rst) begin
            core_rst <= 1'b1;
            reset_left <= 5'd16;
            start <= 1'b0;
        end
    end

    // ---- counters; 48 bits last for a month ----
    reg [47:0] cycles, stalls_in, stalls_out, first, span;
    reg [31:0] free;
    reg first_runs, first_came, span_runs;
    wire in_beat = in_valid && in_ready;
    always @(posedge clk) begin
        free <= free + 1;
        if (busy) cycles <= cycles + 1;
        if (in_ready && !in_valid) stalls_in <= stalls_in + 1;
        if (out_valid && !out_ready) stalls_out <= stalls_out + 1;
        if (first_runs) first <= first + 1;
        if (span_runs) span <= span + 1;
        if (in_beat && !first_came) begin
            first_runs <= 1'b1;
            first_came <= 1'b1;
        end
        if (sample_done && first_runs) begin
            first_runs <= 1'b0;
            span_runs <= 1'b1;
        end
        if (all_done) span_runs <= 1'b0;
        if (starts && !busy || clears || rst) begin
            cycles <= 0;
            stalls_in <= 0;
            stalls_out <= 0;
            first <= 0;
            span <= 0;
            first_runs <= 1'b0;
            first_came <= 1'b0;
            span_runs <= 1'b0;
        end
        if (rst) free <= 0;
    end

    // ---- reads: the address, then the word ----
    reg ar_full;
    reg [9:0] ar; // word
    reg [15:0] high;
    wire [31:0] mem_crc;
    wire mem_busy;
    assign s_axi_arready = !ar_full && !s_axi_rvalid;
    assign s_axi_rresp = 2'b00;
    reg [31:0] word;
    always @*
        case (ar)
            10'h000: word = MAGIC;
            10'h001: word = VERSION;
            10'h002: word = CAPABILITIES;
            10'h003: word = CLOCK;
            10'h004: word = DIGEST[127:96];
            10'h005: word = DIGEST[95:64];
            10'h006: word = DIGEST[63:32];
            10'h007: word = DIGEST[31:0];
            10'h008: word = WEIGHTS[127:96];
            10'h009: word = WEIGHTS[95:64];
            10'h00A: word = WEIGHTS[63:32];
            10'h00B: word = WEIGHTS[31:0];
            10'h041: word = {27'd0, mem_busy, |errors, done, busy, !busy};
            10'h042: word = samples;
            10'h043: word = {28'd0, errors};
            10'h044: word = cycles[31:0];
            10'h046: word = stalls_in[31:0];
            10'h048: word = stalls_out[31:0];
            10'h04A: word = first[31:0];
            10'h04C: word = free;
            10'h04E: word = span[31:0];
            10'h045, 10'h047, 10'h049, 10'h04B, 10'h04F: word = {16'd0, high};
            10'h080: word = {16'd0, mem_select};
            10'h081: word = mem_address;
            10'h083: word = mem_crc;
            default: word = 32'd0;
        endcase
    always @(posedge clk) begin
        if (s_axi_arvalid && s_axi_arready) begin
            ar_full <= 1'b1;
            ar <= s_axi_araddr[11:2];
        end
        if (ar_full) begin
            ar_full <= 1'b0;
            s_axi_rvalid <= 1'b1;
            s_axi_rdata <= word;
            case (ar)
                10'h044: high <= cycles[47:32];
                10'h046: high <= stalls_in[47:32];
                10'h048: high <= stalls_out[47:32];
                10'h04A: high <= first[47:32];
                10'h04E: high <= span[47:32];
                default: high <= high;
            endcase
        end else if (s_axi_rready) begin
            s_axi_rvalid <= 1'b0;
        end
        if (rst) begin
            ar_full <= 1'b0;
            s_axi_rvalid <= 1'b0;
            high <= 0;
        end
    end

    // ---- weight memories ----
    generate if (RAM != 0) begin : ram
        pta_regs_mem #(
            .N_MEM(N_MEM), .LANES(LANES), .MEM_DEPTH(MEM_DEPTH),
            .MEM_LANES(MEM_LANES), .MEM_WAIT(MEM_WAIT)
        ) window (
            .clk(clk), .rst(rst || core_rst), .busy(busy), .put(put), .word(aw),
            .data(w), .refused(mem_refused), .working(mem_busy), .crc(mem_crc),
            .mem_select(mem_select), .mem_address(mem_address),
            .mem_write(mem_write), .mem_read(mem_read), .mem_data(mem_data),
            .mem_q(mem_q));
    end else begin : rom
        assign mem_select = 0;
        assign mem_address = 0;
        assign mem_write = 1'b0;
        assign mem_read = 1'b0;
        assign mem_data = 0;
        assign mem_refused = 1'b0;
        assign mem_busy = 1'b0;
        assign mem_crc = 0;
    end endgenerate
endmodule
`default_nettype wire
