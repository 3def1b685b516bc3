// A core that gives back its inputs: shell, unpack, pack, registers, and weight
// memories of 5 words of 40 bits and 3 of 96, whose words come as late as they may.
// The first input has 21 elements of 8 bits, the second 22 of 16.
// TENSORS 1: the first input alone, and no memory can be written.
`default_nettype none
module loopback #(
    parameter TENSORS = 2
) (
    input  wire        aclk, aresetn,
    input  wire [63:0] s_axis_tdata,
    input  wire        s_axis_tvalid, s_axis_tlast,
    output wire        s_axis_tready,
    output wire [63:0] m_axis_tdata,
    output wire        m_axis_tvalid, m_axis_tlast,
    input  wire        m_axis_tready,
    input  wire [11:0] s_axi_awaddr,
    input  wire        s_axi_awvalid,
    output wire        s_axi_awready,
    input  wire [31:0] s_axi_wdata,
    input  wire [3:0]  s_axi_wstrb,
    input  wire        s_axi_wvalid,
    output wire        s_axi_wready,
    output wire [1:0]  s_axi_bresp,
    output wire        s_axi_bvalid,
    input  wire        s_axi_bready,
    input  wire [11:0] s_axi_araddr,
    input  wire        s_axi_arvalid,
    output wire        s_axi_arready,
    output wire [31:0] s_axi_rdata,
    output wire [1:0]  s_axi_rresp,
    output wire        s_axi_rvalid,
    input  wire        s_axi_rready
);
    reg rst;
    always @(posedge aclk) rst <= !aresetn;

    wire core_rst, start, sample_done, all_done, early, missing;
    wire [31:0] samples, mem_address;
    wire [15:0] mem_select;
    wire mem_write, mem_read;
    wire [95:0] mem_data;
    reg [4*96-1:0] mem_q; // MEM_WAIT registers, the last in the highest bits
    pta_regs #(
        .CAPABILITIES(TENSORS > 1 ? 32'h3 : 32'h0),
        .CLOCK(100000000), .DIGEST(128'h00070e151c232a31383f464d545b6269),
        .WEIGHTS(128'h0009121b242d363f48515a636c757e87),
        .RAM(TENSORS > 1), .N_MEM(2), .LANES(3), .MEM_DEPTH({32'd3, 32'd5}),
        .MEM_LANES({16'd3, 16'd2}), .MEM_WAIT(4)
    ) regs (
        .clk(aclk), .rst(rst), .core_rst(core_rst), .start(start),
        .s_axi_awaddr(s_axi_awaddr), .s_axi_awvalid(s_axi_awvalid),
        .s_axi_awready(s_axi_awready), .s_axi_wdata(s_axi_wdata),
        .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready),
        .s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid),
        .s_axi_bready(s_axi_bready), .s_axi_araddr(s_axi_araddr),
        .s_axi_arvalid(s_axi_arvalid), .s_axi_arready(s_axi_arready),
        .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp),
        .s_axi_rvalid(s_axi_rvalid), .s_axi_rready(s_axi_rready),
        .samples(samples), .in_valid(s_axis_tvalid), .in_ready(s_axis_tready),
        .out_valid(m_axis_tvalid), .out_ready(m_axis_tready),
        .sample_done(sample_done), .all_done(all_done), .early(early),
        .missing(missing), .mem_select(mem_select), .mem_address(mem_address),
        .mem_write(mem_write), .mem_read(mem_read), .mem_data(mem_data),
        .mem_q(mem_q[3*96 +: 96]));

    reg [39:0] narrow [0:4];
    reg [95:0] wide [0:2];
    initial $readmemh("loopback_weights.hex", narrow);
    always @(posedge aclk) begin
        if (mem_write && mem_select == 0) narrow[mem_address] <= mem_data[39:0];
        if (mem_write && mem_select == 1) wide[mem_address] <= mem_data;
        mem_q <= {mem_q[3*96-1:0], mem_select == 0 ? {56'd0, narrow[mem_address]}
                                                   : wide[mem_address]};
    end

    localparam [63:0] BEATS = {32'd6, 32'd3};
    wire [63:0] data;
    wire [TENSORS-1:0] valid, ready;
    pta_shell_in #(.N(TENSORS), .BEATS(BEATS[32*TENSORS-1:0])) shell_in (
        .clk(aclk), .rst(core_rst), .start(start), .samples(samples),
        .in_data(s_axis_tdata), .in_valid(s_axis_tvalid),
        .in_last(s_axis_tlast), .in_ready(s_axis_tready), .out_data(data),
        .out_valid(valid), .out_ready(ready), .early(early), .missing(missing));

    wire [64*TENSORS-1:0] packed_data;
    wire [8*8-1:0] bytes;
    pta_unpack #(.W(8), .BYTES(1)) unpack0 (.in_data(data), .out_data(bytes));
    pta_pack #(.W(8), .BYTES(1)) pack0 (
        .in_data(bytes), .out_data(packed_data[63:0]));
    generate if (TENSORS > 1) begin : second
        wire [4*16-1:0] words;
        pta_unpack #(.W(16), .BYTES(2)) unpack1 (
            .in_data(data), .out_data(words));
        pta_pack #(.W(16), .BYTES(2)) pack1 (
            .in_data(words), .out_data(packed_data[127:64]));
    end endgenerate

    pta_shell_out #(.N(TENSORS), .BEATS(BEATS[32*TENSORS-1:0])) shell_out (
        .clk(aclk), .rst(core_rst), .start(start), .samples(samples),
        .in_data(packed_data), .in_valid(valid), .in_ready(ready),
        .out_data(m_axis_tdata), .out_valid(m_axis_tvalid),
        .out_last(m_axis_tlast), .out_ready(m_axis_tready),
        .sample_done(sample_done), .all_done(all_done));
endmodule
`default_nettype wire
